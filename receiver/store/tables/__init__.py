"""The tables, one noun each: plain SQL, record in, record out."""

"""What is measured: each module starts servers, puts a load on them, and returns one record of figures."""

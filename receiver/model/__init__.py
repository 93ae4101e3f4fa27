"""The words: jobs, events, deliveries, requests, rules, actions, money. Pure."""

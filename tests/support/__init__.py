"""Real servers for tests: private RabbitMQ and PostgreSQL, and where to find a browser."""

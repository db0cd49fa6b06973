"""`farsight detect`: tests for falsified data over a folder of CSV files, without a platform."""

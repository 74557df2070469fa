"""What `make audit` checks: locks, vulnerabilities, licences, the workflow of continuous integration, unsafe code."""

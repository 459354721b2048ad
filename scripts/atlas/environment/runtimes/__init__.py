"""What an engine's code is run by: one protocol, four runtimes.

`model` has the words (image, job, mount, GPU request), `protocol` what a runtime is; `venv`, `engine_api`
(Docker and Podman) and `apptainer` are those that there are. `lane` puts the probe into one of them;
`channel` and `inside` are the two ends of the line between the probe's process there and this one.
"""

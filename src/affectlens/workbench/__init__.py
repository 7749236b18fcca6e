"""The workbench: runs and audits in a browser, served from this machine to this machine (``affectlens.view``)."""

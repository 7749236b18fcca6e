"""Evidence sheets: what runs and audits found, beside the duties that it may serve; people fill in the rest and sign."""

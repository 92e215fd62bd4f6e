"""The way back: authorization, receipt, inspection, disposition, refund decision."""

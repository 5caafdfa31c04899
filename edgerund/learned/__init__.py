"""Networks as policies: an ONNX file that proposes variants. What it may do is policy/shield.py's to say."""

"""The ComfyUI side: schema, convert, call the stage, convert, show. The work is in the engine."""

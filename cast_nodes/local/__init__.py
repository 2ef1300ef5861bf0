"""Models that run on this machine: where their weights lie, and the one copy that is in memory.

A local backend names its weights (:class:`.weights.Weights`), has them looked up or downloaded
(:func:`.weights.weights_folder`), and works with the process's one copy of the model
(:func:`.work.work_with`). Nothing here imports torch before a model is made.
"""

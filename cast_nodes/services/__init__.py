"""Web services behind one careful client: keys, limits, retries, paid tasks, downloads.

What is paid for is never wasted and never paid twice:

- :mod:`.secrets` – settings and keys; :func:`~.secrets.redact` keeps keys out of every sentence.
- :mod:`.policy` – a :class:`~.policy.Service` with its limits; what an error means
  (:func:`~.policy.classify`); reads are retried (:func:`~.policy.retry_read`).
- :mod:`.tasks` – tasks with an id (create, poll, download): journal on disk, picked up again.
- :mod:`.calls` – paid requests that answer at once: sent once, answer kept on disk.
- :mod:`.download` – bounded, checked, complete files.

One file more per service holds its addresses and how its SDK is driven.
"""

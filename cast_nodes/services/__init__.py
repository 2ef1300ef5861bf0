"""Web services behind one careful client: keys, limits, retries, paid tasks, downloads.

What is paid for is never wasted and never paid twice:

- :mod:`.secrets` – settings and keys; :func:`~.secrets.redact` keeps keys out of every sentence.
- :mod:`.troubles` – what an SDK's exception means (:func:`~.troubles.classify`).
- :mod:`.policy` – a :class:`~.policy.Service` with its limits; reads are retried
  (:func:`~.policy.retry_read`).
- :mod:`.tasks`, :mod:`.task_api` – tasks with an id (create, poll, download), picked up again.
- :mod:`.calls` – paid requests that answer at once: sent once, answer kept on disk.
- :mod:`.journal` – the notes on disk behind both; :mod:`.farewell` – nothing paid is cut off.
- :mod:`.download` – bounded, checked, complete files.
- :mod:`.transport` – SDKs on httpx kept from retrying by themselves.
- :mod:`.usage` – what was spent.

One file more per service holds its addresses and how its SDK is driven.
"""

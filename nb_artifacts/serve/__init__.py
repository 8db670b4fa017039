"""The stand-alone server: the REST API and a page for people, on Starlette and uvicorn."""

"""JupyterLab and Notebook 7 as people use them: real servers, kernels and Chromium."""

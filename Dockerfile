# One image for every process; compose.yaml names what each one runs.
FROM python:3.11-slim

WORKDIR /app
COPY requirements/run.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY . .
RUN useradd --no-create-home shop && mkdir -p instance && chown shop instance
USER shop
ENV HOST=0.0.0.0 PYTHONUNBUFFERED=1
EXPOSE 8000

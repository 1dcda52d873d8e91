# In place of apache/kafka and clickhouse/clickhouse-server, with the same settings: for the integration tests.
ARG PARTS=crewkit-parts:tests EMBEDDED=crewkit-sessions:tests-embedded
FROM ${PARTS} AS kafka
ENTRYPOINT ["sh", "/kafka.sh"]
FROM ${EMBEDDED} AS clickhouse
COPY clickhouse.py /
COPY devstack /devstack
ENTRYPOINT ["python3", "/clickhouse.py"]

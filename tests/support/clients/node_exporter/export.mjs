// Exports log records and metrics as a coding agent does: ENDPOINT TOKEN ENCODING SESSION RECORDS.
import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter as JsonLogs } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtoLogs } from "@opentelemetry/exporter-logs-otlp-proto";
import { AggregationTemporalityPreference, OTLPMetricExporter as JsonMetrics } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtoMetrics } from "@opentelemetry/exporter-metrics-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";

const [endpoint, token, encoding, session, count] = process.argv.slice(2);
const [Logs, Metrics] = encoding === "json" ? [JsonLogs, JsonMetrics] : [ProtoLogs, ProtoMetrics];
const headers = { Authorization: `Bearer ${token}` };
const resource = resourceFromAttributes({ "service.name": "claude-code", "service.version": "2.1.332" });
const common = { "session.id": session };

const logs = new LoggerProvider({
  resource,
  processors: [
    new BatchLogRecordProcessor(
      new Logs({ url: `${endpoint}/v1/logs`, headers, timeoutMillis: 30_000, compression: "gzip" }),
      { maxExportBatchSize: 10, maxQueueSize: 10_000, exportTimeoutMillis: 60_000 },
    ),
  ],
});
const logger = logs.getLogger("com.anthropic.claude_code.events", "2.1.332");
for (let number = 0; number < Number(count); number++) {
  const attributes = {
    ...common,
    "event.name": "api_request",
    "event.sequence": number,
    request_id: `req_${number}`,
    model: "m",
    input_tokens: number,
    cost_usd: number / 8,
    tags: ["a", "b"],
  };
  logger.emit({ severityNumber: SeverityNumber.INFO, body: "claude_code.api_request", attributes });
}

const meters = new MeterProvider({
  resource,
  readers: [
    new PeriodicExportingMetricReader({
      exporter: new Metrics({
        url: `${endpoint}/v1/metrics`,
        headers,
        timeoutMillis: 30_000,
        temporalityPreference: AggregationTemporalityPreference.DELTA,
      }),
      exportIntervalMillis: 3_600_000,
    }),
  ],
});
const lines = meters.getMeter("com.anthropic.claude_code").createCounter("claude_code.lines_of_code.count");
lines.add(7, { ...common, type: "added" });
lines.add(2.5, { ...common, type: "removed" });

await Promise.all([logs.shutdown(), meters.shutdown()]);

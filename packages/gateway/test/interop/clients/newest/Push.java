import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.core.metrics.Info;
import io.prometheus.metrics.exporter.pushgateway.Format;
import io.prometheus.metrics.exporter.pushgateway.PushGateway;
import io.prometheus.metrics.model.registry.PrometheusRegistry;

/** Push HOST:PORT FORMAT VERB..., where a format is PROMETHEUS_TEXT or PROMETHEUS_PROTOBUF and a verb push, add or delete. */
public class Push {
  public static void main(String[] args) throws Exception {
    PrometheusRegistry registry = new PrometheusRegistry();
    Counter files =
        Counter.builder().name("files_total").help("Files read.").labelNames("kind").register(registry);
    files.labelValues("te\"xt\\").inc(3);
    Gauge.builder().name("files_left").help("Files left to read.").register(registry).set(4);
    Histogram seconds =
        Histogram.builder()
            .name("read_seconds")
            .help("Time to read.")
            .classicUpperBounds(0.5, 1, 5)
            .register(registry);
    for (double value : new double[] {0.25, 0.75, 9}) seconds.observe(value);
    Info.builder().name("build_info").help("Build.").labelNames("version").register(registry).addLabelValues("1");

    PushGateway gateway =
        PushGateway.builder()
            .address(args[0])
            .format(Format.valueOf(args[1]))
            .job("reader")
            .groupingKey("path", "/var/spool")
            .registry(registry)
            .build();
    for (int i = 2; i < args.length; i++) {
      switch (args[i]) {
        case "push" -> gateway.push();
        case "add" -> gateway.pushAdd();
        default -> gateway.delete();
      }
    }
  }
}

//! push HOST:PORT CLIENT METHOD, where a client is `prometheus-client` (OpenMetrics) or `prometheus` (text). Neither pushes by itself
//! without a large HTTP library, so this writes the request.
use std::io::{Read, Write};
use std::net::TcpStream;

fn openmetrics() -> String {
    use prometheus_client::encoding::text::encode;
    use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram};
    let mut registry = prometheus_client::registry::Registry::default();
    let files = Family::<Vec<(String, String)>, Counter>::default();
    let left: Gauge = Gauge::default();
    let seconds = Histogram::new([0.5, 1.0, 5.0].into_iter());
    registry.register("files", "Files read", files.clone());
    registry.register("files_left", "Files left to read", left.clone());
    registry.register("read_seconds", "Time to read", seconds.clone());
    files.get_or_create(&vec![("kind".to_owned(), "te\"xt\\".to_owned())]).inc_by(3);
    left.set(4);
    for value in [0.25, 0.75, 9.0] {
        seconds.observe(value);
    }
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    text
}

fn text() -> String {
    use prometheus::{CounterVec, Encoder, Gauge, Histogram, HistogramOpts, Opts, Registry, TextEncoder};
    let registry = Registry::new();
    let files = CounterVec::new(Opts::new("files_total", "Files read."), &["kind"]).unwrap();
    let left = Gauge::new("files_left", "Files left to read.").unwrap();
    let options = HistogramOpts::new("read_seconds", "Time to read.").buckets(vec![0.5, 1.0, 5.0]);
    let seconds = Histogram::with_opts(options).unwrap();
    registry.register(Box::new(files.clone())).unwrap();
    registry.register(Box::new(left.clone())).unwrap();
    registry.register(Box::new(seconds.clone())).unwrap();
    files.with_label_values(&["te\"xt\\"]).inc_by(3.0);
    left.set(4.0);
    for value in [0.25, 0.75, 9.0] {
        seconds.observe(value);
    }
    let mut bytes = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let (host, method) = (&args[1], &args[3]);
    let (content_type, body) = match args[2].as_str() {
        "prometheus" => ("text/plain; version=0.0.4", text()),
        _ => ("application/openmetrics-text; version=1.0.0; charset=utf-8", openmetrics()),
    };
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "{method} /metrics/job/reader HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 202 "), "{reply}");
}

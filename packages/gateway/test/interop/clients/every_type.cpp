// Pushes a metric of each type: every_type HOST PORT SHIFT VERB..., where a verb is push, add or delete.
#include <iostream>
#include <memory>
#include <string>

#include <prometheus/counter.h>
#include <prometheus/gateway.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/summary.h>

using namespace prometheus;

static std::shared_ptr<Registry> registryOfEachType() {
  auto registry = std::make_shared<Registry>();
  auto& files = BuildCounter().Name("files_total").Help("Files read.").Register(*registry);
  auto& left = BuildGauge().Name("files_left").Help("Files left to read.").Register(*registry);
  auto& seconds = BuildHistogram().Name("read_seconds").Help("Time to read.").Register(*registry);
  auto& bytes = BuildSummary().Name("read_bytes").Help("Bytes read.").Register(*registry);

  files.Add({{"kind", "te\"xt\\"}}).Increment(3);
  left.Add({{"kind", "text"}}).Set(4);
  auto& secondsOfText = seconds.Add({{"kind", "text"}}, Histogram::BucketBoundaries{0.5, 1, 5});
  auto& bytesOfText = bytes.Add({{"kind", "text"}}, Summary::Quantiles{{0.5, 0.05}});
  for (double value : {0.25, 0.75, 9.0}) {
    secondsOfText.Observe(value);
    bytesOfText.Observe(value);
  }
  return registry;
}

int main(int, char** arguments) {
  auto registry = registryOfEachType();
  Gateway gateway{arguments[1], arguments[2], "reader", {{"shift", arguments[3]}}};
  gateway.RegisterCollectable(registry);
  for (char** verb = arguments + 4; *verb != nullptr; ++verb) {
    const std::string name = *verb;
    const int code = name == "push"  ? gateway.Push()
                     : name == "add" ? gateway.PushAdd()
                                     : gateway.DeleteForInstance();
    if (code < 200 || code > 299) {
      std::cerr << name << ": " << code << "\n";
      return 1;
    }
  }
}

#include <memory>

#include <prometheus/counter.h>
#include <prometheus/gateway.h>
#include <prometheus/registry.h>

int main() {
  auto registry = std::make_shared<prometheus::Registry>();
  auto& files = prometheus::BuildCounter().Name("files_total").Help("Files saved.").Register(*registry);
  files.Add({}).Increment();

  prometheus::Gateway gateway{"localhost", "9091", "backup", {{"instance", "7"}}};
  gateway.RegisterCollectable(registry);
  return gateway.Push() == 200 ? 0 : 1;
}

// What reading and proving a .upgb file costs, apart from the compiler: plan_bench FILE TIMES
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <vector>

#include "runtime/diagnostics/diagnostic.h"
#include "runtime/plan/bytecode_reader.h"
#include "runtime/safety/check.h"

namespace {

double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

double least(const std::vector<double> &times) { return *std::min_element(times.begin(), times.end()); }

double peak_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: plan_bench FILE TIMES\n");
    return 2;
  }
  std::ifstream in(argv[1], std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  const std::string bytes = text.str();
  std::vector<double> reads;
  std::vector<double> checks;
  for (int i = std::max(1, std::atoi(argv[2])); i > 0; --i) {
    double before = cpu_ms();
    const upg::plan::ReadResult result = upg::plan::read(bytes);
    reads.push_back(cpu_ms() - before);
    if (!result) {
      fmt::print(stderr, "plan_bench: {}: {}\n", argv[1], result.error->message);
      return 1;
    }
    upg::diagnostics::Sink sink;
    before = cpu_ms();
    upg::safety::check(*result.plan, 0, sink);
    checks.push_back(cpu_ms() - before);
    if (sink.errors() != 0) {
      fmt::print(stderr, "plan_bench: {}: the proof reports {} errors\n", argv[1], sink.errors());
      return 1;
    }
  }
  fmt::print("{{\"bytes\": {}, \"read_ms\": {:.3f}, \"check_ms\": {:.3f}, \"peak_mb\": {:.1f}}}\n", bytes.size(),
             least(reads), least(checks), peak_mb());
  return 0;
}

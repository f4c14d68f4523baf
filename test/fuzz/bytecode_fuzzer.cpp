// libFuzzer harness of the reader of plan files:
//   cmake --preset fuzz && cmake --build --preset fuzz && build/fuzz/fuzz/bytecode_fuzzer -max_total_time=60
// The mutator changes one section and mends header and digest; every eighth time it changes the raw file.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "runtime/plan/bytecode.h"
#include "test/fuzz/bytecode_target.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t *data, std::size_t size, std::size_t limit);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  bool accepted = false;
  const std::string fault = upg::fuzz::try_file({reinterpret_cast<const char *>(data), size}, accepted);
  if (fault.empty()) return 0;
  std::fprintf(stderr, "%s\n", fault.c_str());
  std::abort();
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t *data, std::size_t size, std::size_t limit,
                                               unsigned int seed) {
  if (seed % 8 == 7) return LLVMFuzzerMutate(data, size, limit);
  std::string file(reinterpret_cast<const char *>(data), size);
  if (!upg::plan::peek(file).is_plan || seed % 64 == 0) file = upg::fuzz::seed_file(seed / 64);
  std::vector<std::string> sections = upg::fuzz::split(file);
  std::string &section = sections[(seed / 8) % sections.size()];
  const std::size_t old = section.size();
  section.resize(old + 64);
  section.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t *>(section.data()), old, section.size()));
  const std::string changed = upg::fuzz::join(sections);
  if (changed.size() > limit) return LLVMFuzzerMutate(data, size, limit);
  std::memcpy(data, changed.data(), changed.size());
  return changed.size();
}

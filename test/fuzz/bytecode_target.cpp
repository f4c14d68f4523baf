#include "test/fuzz/bytecode_target.h"

#include <cstddef>

#include "runtime/plan/bytecode.h"
#include "runtime/plan/bytecode_reader.h"
#include "runtime/plan/bytecode_writer.h"
#include "runtime/plan/disassemble.h"
#include "runtime/plan/validate.h"
#include "runtime/report/review.h"
#include "test/unit/plan/lab_plan.h"
#include "test/unit/plan/random_plan.h"

namespace upg::fuzz {
namespace {

namespace layout = plan::layout;

std::size_t fixed32(std::string_view bytes, std::size_t at) {
  std::size_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= std::size_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  return value;
}
void put_fixed(std::string &out, std::size_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

}  // namespace

std::vector<std::string> split(std::string_view file) {
  std::vector<std::string> sections(plan::section_count());
  const std::size_t first = layout::table + sections.size() * layout::entry;
  if (file.size() < first) return sections;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const std::size_t offset = fixed32(file, layout::table + i * layout::entry + 4);
    const std::size_t size = fixed32(file, layout::table + i * layout::entry + 8);
    if (offset <= file.size() && size <= file.size() - offset) sections[i] = file.substr(offset, size);
  }
  return sections;
}

std::string join(const std::vector<std::string> &sections) {
  std::size_t size = layout::table + sections.size() * layout::entry;
  std::size_t offset = size;
  for (const std::string &section : sections) size += section.size();
  std::string file(plan::bytecode_magic);
  put_fixed(file, plan::bytecode_version, 4);
  put_fixed(file, sections.size(), 4);
  put_fixed(file, size, 8);
  file.append(layout::digest_size, '\0');
  for (std::size_t i = 0; i < sections.size(); ++i) {
    put_fixed(file, i, 4);
    put_fixed(file, offset, 4);
    put_fixed(file, sections[i].size(), 4);
    offset += sections[i].size();
  }
  for (const std::string &section : sections) file += section;
  plan::seal(file);
  return file;
}

std::string seed_file(std::uint64_t seed) {
  return plan::write(seed % 8 == 0 ? plan::testing::lab_plan() : plan::testing::random_plan(seed, 1 + seed % 3));
}

std::string try_file(std::string_view bytes, bool &accepted) {
  const plan::ReadResult result = plan::read(bytes);
  accepted = result.plan.has_value();
  if (accepted == result.error.has_value()) return "neither plan nor error, or both";
  if (!accepted) return result.error->message.empty() ? "an error without a message" : "";
  if (const auto fault = plan::validate(*result.plan)) return "accepted, but not valid: " + fault->message;
  if (plan::write(*result.plan) != bytes) return "accepted, but written differently";
  for (const char c : plan::disassemble(*result.plan)) {
    if (c != '\n' && (c < ' ' || c > '~')) return "a raw byte in the disassembly";
  }
  for (const char c : report::review(*result.plan, plan::digest_hex(bytes), nullptr)) {
    if (c == '\x1b' || c == '\r' || c == '\x7f') return "a raw byte in the review";
  }
  return "";
}

}  // namespace upg::fuzz

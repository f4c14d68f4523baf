#include "runtime/plan/bytecode_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "runtime/plan/bytecode.h"
#include "runtime/plan/opcodes.h"
#include "runtime/plan/validate.h"
#include "runtime/plan/visit.h"

namespace upg::plan {
namespace {

constexpr std::array<ReadErrorInfo, static_cast<std::size_t>(ReadErrorKind::count_)> kReadErrors = {{
#define UPG_READ_ERROR(name, code, title, hint) {#name, code, title, hint},
#include "runtime/plan/read_errors.def"
}};

/// Reads one section at a time. The first error sticks; after it every read gives zero and lists end at once.
class Decoder {
 public:
  explicit Decoder(std::string_view file) : file_(file) {}

  void enter(std::string_view section, std::size_t begin, std::size_t size) {
    section_ = section;
    at_ = begin;
    end_ = begin + size;
  }
  void leave() {
    if (!error_ && at_ != end_) fail("bytes are left over");
  }
  bool failed() const { return error_.has_value(); }
  std::optional<ReadError> take_error() { return std::move(error_); }

  void fail(std::string_view what) {
    if (!error_) error_ = ReadError{ReadErrorKind::bad_content, fmt::format("section `{}`: {}", section_, what), at_};
    at_ = end_;
  }

  std::uint64_t number() {
    if (at_ < end_ && static_cast<unsigned char>(file_[at_]) < 0x80)
      return static_cast<unsigned char>(file_[at_++]);  // most of them
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) return fail("it ends inside a number"), 0;
      const auto byte = static_cast<unsigned char>(file_[at_++]);
      if (shift == 63 && byte > 1) break;
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) {
        if (byte == 0 && shift > 0) return fail("a number is not in its shortest form"), 0;
        return value;
      }
    }
    return fail("a number is too large"), 0;
  }
  std::uint32_t number32() {
    const std::uint64_t value = number();
    if (value > 0xffffffffu) return fail("a number is too large"), 0;
    return static_cast<std::uint32_t>(value);
  }
  std::int64_t signed_number() { return unzigzag(number()); }
  std::uint32_t reference() { return number32() - 1; }

  /// A count of things that take at least `least` bytes each.
  std::size_t count(std::size_t least) {
    const std::uint64_t value = number();
    if (value > (end_ - at_) / least) return fail("a list is longer than its section"), 0;
    return static_cast<std::size_t>(value);
  }

  void get(Span &span) {
    span.file = reference();
    if (!span.valid()) return;
    span.begin = number32();
    span.end = number32();
  }
  void get(bool &value) {
    const std::uint64_t byte = number();
    if (byte > 1) fail("a yes or no is neither");
    value = byte == 1;
  }
  void get(std::uint32_t &value) { value = number32(); }
  void get(std::int64_t &value) { value = signed_number(); }
  template <AnyEnum T>
  void get(T &value) {
    const std::uint64_t byte = number();
    if (byte >= static_cast<std::uint64_t>(T::count_)) {
      fail("an enumerator is out of range");
    } else {
      value = static_cast<T>(byte);
    }
  }
  template <AnyId T>
  void get(T &id) {
    id.index = reference();
  }
  template <AnyList T>
  void get(T &list) {
    const std::size_t n = count(least_bytes<typename T::value_type>());
    list.reserve(std::min<std::size_t>(n, 4096));  // more only as elements really come
    for (std::size_t i = 0; i < n && !failed(); ++i) get(list.emplace_back());
  }
  template <AnyRecord T>
  void get(T &record) {
    T::fields(record, [this](const char *, auto &field) { this->get(field); });
  }

  void strings(Plan &plan) {
    const std::size_t n = count(1);
    std::vector<std::uint32_t> lengths;
    lengths.reserve(n);
    for (std::size_t i = 0; i < n && !failed(); ++i) lengths.push_back(number32());
    plan.strings.reserve(n);
    for (const std::uint32_t length : lengths) {
      if (length > end_ - at_) return fail("a string is longer than its section");
      plan.strings.emplace_back(file_.substr(at_, length));
      at_ += length;
    }
  }

  void nodes(Plan &plan) {
    const std::size_t n = count(1);
    plan.nodes.reserve(n);
    for (std::size_t i = 0; i < n && !failed(); ++i) {
      Node node;
      get(node.op);
      const OpInfo &row = info(node.op);
      if (row.a != Immediate::unused) node.a = reference();
      if (row.b != Immediate::unused) node.b = reference();
      const std::size_t kids = fixed_children(row) ? row.children.size() : count(1);
      node.first = static_cast<std::uint32_t>(plan.children.size());
      node.count = static_cast<std::uint32_t>(kids);
      for (std::size_t k = 0; k < kids && !failed(); ++k) {
        const std::uint64_t distance = number();
        if (distance == 0 || distance > i) return fail("a node does not stand before its parent");
        plan.children.emplace_back(i - static_cast<std::size_t>(distance));
      }
      plan.nodes.push_back(node);
    }
  }

  void source_map(Plan &plan) {
    Span last{0, 0, 0};
    if (plan.nodes.size() > end_ - at_) return fail("it is shorter than the list of nodes");
    plan.spans.reserve(plan.nodes.size());
    for (std::size_t i = 0; i < plan.nodes.size() && !failed(); ++i) {
      Span span;
      const std::uint64_t code = number();
      if (code == 1) {
        get(span);
        if (span.valid() && span.file == last.file) return fail("a place is not in its shortest form");
      } else {
        if (code & 1) return fail("a place has an unknown form");
        const std::int64_t begin = std::int64_t{last.begin} + unzigzag(code >> 1);
        const std::int64_t end = begin + std::int64_t{number32()};
        if (begin < 0 || end > 0xffffffffLL) return fail("a place is out of range");
        span = Span{last.file, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
      }
      plan.spans.push_back(span);
      if (span.valid()) last = span;
    }
  }

 private:
  static std::int64_t unzigzag(std::uint64_t value) {
    return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
  }

  std::string_view file_;
  std::string_view section_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  std::optional<ReadError> error_;
};

std::uint32_t fixed32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  return value;
}

/// Everything before the first section.
std::optional<ReadError> check_header(std::string_view bytes) {
  using Kind = ReadErrorKind;
  const auto error = [](Kind kind, std::size_t at, std::string message) {
    return ReadError{kind, std::move(message), at};
  };
  if (bytes.size() > bytecode_limit) {
    return error(Kind::too_large, 0,
                 fmt::format("the file has {} bytes, a plan has at most {}", bytes.size(), bytecode_limit));
  }
  const std::size_t have = std::min(bytes.size(), bytecode_magic.size());
  if (bytes.empty() || bytes.substr(0, have) != bytecode_magic.substr(0, have)) {
    return error(Kind::not_a_plan, 0, "the file does not begin like a compiled plan");
  }
  if (bytes.size() < layout::table) {
    return error(Kind::wrong_size, bytes.size(),
                 fmt::format("the file ends after {} bytes, inside its header", bytes.size()));
  }
  const Header header = peek(bytes);
  if (header.version > bytecode_version) {
    return error(
        Kind::newer_format, layout::version,
        fmt::format("the plan has format {}, this version of upg reads up to {}", header.version, bytecode_version));
  }
  if (header.version < bytecode_version) {
    return error(Kind::older_format, layout::version,
                 fmt::format("the plan has format {}, this version of upg reads {}", header.version, bytecode_version));
  }
  if (header.size != bytes.size()) {
    return error(Kind::wrong_size, layout::file_size,
                 fmt::format("the file has {} bytes, its header says {}", bytes.size(), header.size));
  }
  const std::string digest = digest_hex(bytes);
  if (digest != header.digest) {
    return error(Kind::wrong_digest, layout::digest,
                 fmt::format("digest does not match: the header says {}, the content gives {}", header.digest, digest));
  }
  const std::size_t sections = section_count();
  if (fixed32(bytes, layout::section_count) != sections) {
    return error(
        Kind::bad_sections, layout::section_count,
        fmt::format("the file has {} sections, a plan has {}", fixed32(bytes, layout::section_count), sections));
  }
  std::uint64_t next = layout::table + sections * layout::entry;
  if (next > bytes.size()) return error(Kind::bad_sections, layout::table, "the section table is longer than the file");
  for (std::size_t kind = 0; kind < sections; ++kind) {
    const std::size_t at = layout::table + kind * layout::entry;
    if (fixed32(bytes, at) != kind || fixed32(bytes, at + 4) != next || fixed32(bytes, at + 8) > bytes.size() - next) {
      return error(Kind::bad_sections, at, fmt::format("section {} is not where it must be", kind));
    }
    next += fixed32(bytes, at + 8);
  }
  if (next != bytes.size()) return error(Kind::bad_sections, layout::table, "the sections do not fill the file");
  return std::nullopt;
}

}  // namespace

const ReadErrorInfo &info(ReadErrorKind kind) { return kReadErrors[static_cast<std::size_t>(kind)]; }

ReadResult read(std::string_view file_bytes) {
  if (auto error = check_header(file_bytes)) return {std::nullopt, std::move(error)};
  Plan plan;
  Decoder decoder(file_bytes);
  std::size_t kind = 0;
  const auto section = [&](std::string_view name, auto &&body) {
    if (decoder.failed()) return;
    const std::size_t at = layout::table + kind++ * layout::entry;
    decoder.enter(name, fixed32(file_bytes, at + 4), fixed32(file_bytes, at + 8));
    body();
    decoder.leave();
  };
  section("strings", [&] { decoder.strings(plan); });
  section("integers", [&] { decoder.get(plan.integers); });
  section("nodes", [&] { decoder.nodes(plan); });
  section("source map", [&] { decoder.source_map(plan); });
  section("plan", [&] { decoder.get(plan); });
  Plan::tables(plan, [&](const char *name, auto &table) { section(name, [&] { decoder.get(table); }); });
  if (decoder.failed()) return {std::nullopt, decoder.take_error()};
  if (auto invalid = validate(plan)) {
    const auto why = invalid->in_strings ? ReadErrorKind::bad_string : ReadErrorKind::invalid_plan;
    return {std::nullopt, ReadError{why, std::move(invalid->message), file_bytes.size()}};
  }
  return {std::move(plan), std::nullopt};
}

}  // namespace upg::plan

#include "runtime/plan/bytecode_writer.h"

#include "runtime/plan/bytecode.h"
#include "runtime/plan/opcodes.h"
#include "runtime/plan/visit.h"

namespace upg::plan {
namespace {

class Encoder {
 public:
  std::string out;

  void number(std::uint64_t value) {
    while (value >= 0x80) {
      out.push_back(static_cast<char>((value & 0x7f) | 0x80));
      value >>= 7;
    }
    out.push_back(static_cast<char>(value));
  }
  void signed_number(std::int64_t value) {
    number((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  /// Absent (the largest) becomes 0.
  void reference(std::uint32_t index) { number(static_cast<std::uint32_t>(index + 1)); }

  void put(const Span &span) {
    reference(span.file);
    if (!span.valid()) return;
    number(span.begin);
    number(span.end);
  }
  void put(bool value) { out.push_back(value ? 1 : 0); }
  void put(std::uint32_t value) { number(value); }
  void put(std::int64_t value) { signed_number(value); }
  template <AnyEnum T>
  void put(T value) {
    number(static_cast<std::uint64_t>(value));
  }
  template <AnyId T>
  void put(T id) {
    reference(id.index);
  }
  template <AnyList T>
  void put(const T &list) {
    number(list.size());
    for (const auto &element : list) put(element);
  }
  template <AnyRecord T>
  void put(const T &record) {
    T::fields(record, [this](const char *, const auto &field) { this->put(field); });
  }

  void strings(const Plan &plan) {
    number(plan.strings.size());
    for (const std::string &text : plan.strings) number(text.size());
    for (const std::string &text : plan.strings) out += text;
  }

  /// Opcode, immediates that the row uses, number of children if the row leaves it open, children as distances.
  void nodes(const Plan &plan) {
    number(plan.nodes.size());
    for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
      const Node &node = plan.nodes[i];
      const OpInfo &row = info(node.op);
      put(node.op);
      if (row.a != Immediate::unused) reference(node.a);
      if (row.b != Immediate::unused) reference(node.b);
      if (!fixed_children(row)) number(node.count);
      for (std::size_t k = 0; k < node.count; ++k) number(i - plan.children[node.first + k].index);
    }
  }

  /// Per node: twice the distance of `begin` from the one before in the same file, or 1 and a whole span.
  void source_map(const Plan &plan) {
    Span last{0, 0, 0};
    for (const Span &span : plan.spans) {
      if (span.valid() && span.file == last.file) {
        const std::int64_t distance = std::int64_t{span.begin} - std::int64_t{last.begin};
        number(((static_cast<std::uint64_t>(distance) << 1) ^ static_cast<std::uint64_t>(distance >> 63)) << 1);
        number(span.end - span.begin);
      } else {
        number(1);
        put(span);
      }
      if (span.valid()) last = span;
    }
  }
};

void put_fixed(std::string &out, std::uint64_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

}  // namespace

std::string write(const Plan &plan) {
  Encoder encoder;
  std::vector<std::size_t> ends;
  const auto end_section = [&] { ends.push_back(encoder.out.size()); };
  encoder.strings(plan);
  end_section();
  encoder.put(plan.integers);
  end_section();
  encoder.nodes(plan);
  end_section();
  encoder.source_map(plan);
  end_section();
  encoder.put(plan);
  end_section();
  Plan::tables(plan, [&](const char *, const auto &table) {
    encoder.put(table);
    end_section();
  });

  const std::size_t first = layout::table + ends.size() * layout::entry;
  std::string file(bytecode_magic);
  file.reserve(first + encoder.out.size());
  put_fixed(file, bytecode_version, 4);
  put_fixed(file, ends.size(), 4);
  put_fixed(file, first + encoder.out.size(), 8);
  file.append(layout::digest_size, '\0');
  std::size_t begin = 0;
  for (std::size_t kind = 0; kind < ends.size(); ++kind) {
    put_fixed(file, kind, 4);
    put_fixed(file, first + begin, 4);
    put_fixed(file, ends[kind] - begin, 4);
    begin = ends[kind];
  }
  file += encoder.out;
  seal(file);
  return file;
}

}  // namespace upg::plan

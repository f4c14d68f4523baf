#include "runtime/plan/bytecode.h"

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <span>

#include "runtime/plan/visit.h"

namespace upg::plan {
namespace {

using Digest = std::array<unsigned char, layout::digest_size>;

Digest sha256(std::span<const std::string_view> pieces) {
  Digest out{};
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) return out;
  for (const std::string_view piece : pieces) EVP_DigestUpdate(context.get(), piece.data(), piece.size());
  unsigned int size = 0;
  EVP_DigestFinal_ex(context.get(), out.data(), &size);
  return out;
}

Digest file_digest(std::string_view bytes) {
  const std::array<std::string_view, 2> pieces = {bytes.substr(0, layout::digest), bytes.substr(layout::table)};
  return sha256(pieces);
}

std::string hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
  return out;
}

std::string_view view(const Digest &digest) { return {reinterpret_cast<const char *>(digest.data()), digest.size()}; }

std::uint64_t fixed(std::string_view bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  return value;
}

}  // namespace

std::size_t section_count() {
  static const std::size_t count = [] {
    std::size_t n = static_cast<std::size_t>(PoolSection::count_);
    Plan plan;
    Plan::tables(plan, [&n](const char *, auto &) { ++n; });
    return n;
  }();
  return count;
}

std::string digest_hex(std::string_view file_bytes) {
  if (file_bytes.size() < layout::table) return {};
  return hex(view(file_digest(file_bytes)));
}

Header peek(std::string_view file_bytes) {
  Header header;
  header.is_plan = file_bytes.starts_with(bytecode_magic);
  if (!header.is_plan || file_bytes.size() < layout::table) return header;
  header.version = static_cast<std::uint32_t>(fixed(file_bytes, layout::version, 4));
  header.size = fixed(file_bytes, layout::file_size, 8);
  header.digest = hex(file_bytes.substr(layout::digest, layout::digest_size));
  return header;
}

void seal(std::string &file_bytes) {
  if (file_bytes.size() < layout::table) return;
  const Digest digest = file_digest(file_bytes);
  file_bytes.replace(layout::digest, layout::digest_size, view(digest));
}

std::string sha256_hex(std::string_view bytes) { return hex(view(sha256({&bytes, 1}))); }

}  // namespace upg::plan

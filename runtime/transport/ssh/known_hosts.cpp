#include "runtime/transport/ssh/known_hosts.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <optional>

#include "runtime/transport/ssh/pattern.h"

namespace upg::transport {
namespace {

constexpr std::size_t max_file = 16u << 20;
constexpr std::size_t max_line = 64 * 1024;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char &c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char *>(out.data()),
                                   reinterpret_cast<const unsigned char *>(text.data()), static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text[text.size() - 1 - padding] == '=') ++padding;
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

std::string to_base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char *>(out.data()),
                      reinterpret_cast<const unsigned char *>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

bool matches_hash(std::string_view hashed, std::string_view name) {
  hashed.remove_prefix(3);  // "|1|"
  const std::size_t bar = hashed.find('|');
  if (bar == std::string_view::npos) return false;
  const auto salt = from_base64(hashed.substr(0, bar));
  const auto wanted = from_base64(hashed.substr(bar + 1));
  if (!salt || !wanted) return false;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  HMAC(EVP_sha1(), salt->data(), static_cast<int>(salt->size()), reinterpret_cast<const unsigned char *>(name.data()),
       name.size(), digest.data(), &size);
  return std::string_view(reinterpret_cast<const char *>(digest.data()), size) == *wanted;
}

bool matches_patterns(std::string_view patterns, const std::string &name) {
  if (patterns.substr(0, 3) == "|1|") return matches_hash(patterns, name);
  bool matched = false;
  while (!patterns.empty()) {
    const std::size_t comma = patterns.find(',');
    std::string_view pattern = patterns.substr(0, comma);
    patterns = comma == std::string_view::npos ? std::string_view() : patterns.substr(comma + 1);
    const bool negated = !pattern.empty() && pattern.front() == '!';
    if (negated) pattern.remove_prefix(1);
    if (!matches_pattern(lower(pattern), name)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

std::string_view next_word(std::string_view &rest) {
  const std::size_t begin = rest.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) {
    rest = {};
    return {};
  }
  rest.remove_prefix(begin);
  const std::size_t end = std::min(rest.find_first_of(" \t\r"), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

std::string keyscan(const HostNames &names, const std::string &file) {
  const std::string port = names.port == 22 ? std::string() : fmt::format("-p {} ", names.port);
  return fmt::format("ssh-keyscan {}{} >> {}", port, names.names.empty() ? "HOST" : names.names.front(), file);
}

}  // namespace

std::string fingerprint(std::string_view blob) {
  const auto bytes = from_base64(blob);
  if (!bytes) return {};
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char *>(bytes->data()), bytes->size(), digest.data());
  std::string text = to_base64(std::string_view(reinterpret_cast<const char *>(digest.data()), digest.size()));
  while (!text.empty() && text.back() == '=') text.pop_back();
  return "SHA256:" + text;
}

std::string HostNames::spelled(std::size_t index) const {
  return port == 22 ? names[index] : fmt::format("[{}]:{}", names[index], port);
}

const KnownHosts::File &KnownHosts::load(const std::string &path) {
  struct stat status {};
  const bool there = stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
  const std::int64_t mtime =
      there ? static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec : 0;
  const std::int64_t size = there ? static_cast<std::int64_t>(status.st_size) : 0;
  auto found = std::find_if(files_.begin(), files_.end(), [&](const auto &file) { return file->path == path; });
  if (found == files_.end()) {
    files_.push_back(std::make_unique<File>());
    files_.back()->path = path;
    found = files_.end() - 1;
  }
  File &file = **found;
  if (file.size == size && file.mtime_ns == mtime) return file;
  file.size = size;
  file.mtime_ns = mtime;
  file.lines.clear();
  if (!there || static_cast<std::size_t>(size) > max_file) return file;
  std::ifstream in(path);
  std::string text;
  for (std::size_t number = 1; std::getline(in, text); ++number) {
    if (text.size() > max_line) continue;
    std::string_view rest = text;
    std::string_view word = next_word(rest);
    if (word.empty() || word.front() == '#') continue;
    Line line;
    line.number = number;
    if (word.front() == '@') {
      if (word == "@revoked") {
        line.mark = Line::Mark::revoked;
      } else if (word == "@cert-authority") {
        line.mark = Line::Mark::authority;
      } else {
        continue;
      }
      word = next_word(rest);
    }
    line.patterns = word;
    line.key.type = next_word(rest);
    line.key.blob = next_word(rest);
    if (!line.key.blob.empty()) file.lines.push_back(std::move(line));
  }
  return file;
}

std::vector<KnownHosts::Match> KnownHosts::matches(const std::vector<std::string> &files, const HostNames &names,
                                                   bool with_port) {
  std::vector<std::string> spelled;
  for (std::size_t i = 0; i < names.names.size(); ++i)
    spelled.push_back(lower(with_port ? names.spelled(i) : names.names[i]));
  std::vector<Match> found;
  for (const std::string &path : files) {
    const File &file = load(path);
    for (const Line &line : file.lines) {
      const bool hit = std::any_of(spelled.begin(), spelled.end(),
                                   [&line](const std::string &name) { return matches_patterns(line.patterns, name); });
      if (hit) found.push_back({&file, &line});
    }
  }
  return found;
}

KeyVerdict KnownHosts::check(const std::vector<std::string> &files, const HostNames &names, const HostKey &shown) {
  using Kind = KeyVerdict::Kind;
  const std::string host = names.names.empty() ? std::string("the host") : names.spelled(0);
  const std::string shows = fmt::format("{} ({})", fingerprint(shown.blob), shown.type);
  const std::string first_file = files.empty() ? std::string("~/.ssh/known_hosts") : files.front();
  std::vector<Match> found = matches(files, names, true);
  std::vector<Match> loose = names.port == 22 ? std::vector<Match>() : matches(files, names, false);
  for (const auto *list : {&found, &loose}) {
    for (const Match &match : *list) {
      if (match.line->mark == Line::Mark::revoked && match.line->key.blob == shown.blob) {
        return {
            Kind::revoked,
            fmt::format("the key that {} shows is revoked: {} at {}:{}; never accept it again, give the host a new key",
                        host, shows, match.file->path, match.line->number)};
      }
    }
  }
  for (const auto *list : {&found, &loose}) {
    for (const Match &match : *list) {
      if (match.line->mark == Line::Mark::none && match.line->key.blob == shown.blob) return {Kind::known, {}};
    }
  }
  const Match *other = nullptr;  // another key for the same name, one of the same type rather than not
  const Match *authority = nullptr;
  for (const Match &match : found) {
    if (match.line->mark == Line::Mark::authority) authority = &match;
    if (match.line->mark != Line::Mark::none) continue;
    if (!other || (other->line->key.type != shown.type && match.line->key.type == shown.type)) other = &match;
  }
  if (other) {
    return {Kind::changed,
            fmt::format("the host key of {} has changed: it shows {}, but {}:{} has {} ({}); if the host was "
                        "reinstalled, compare the "
                        "fingerprint on its console, then: ssh-keygen -R '{}' -f {} && {}",
                        host, shows, other->file->path, other->line->number, fingerprint(other->line->key.blob),
                        other->line->key.type, host, other->file->path, keyscan(names, other->file->path))};
  }
  if (authority) {
    return {Kind::authority,
            fmt::format("{} is only known through the certificate authority at {}:{}, and host certificates are not "
                        "supported; add its "
                        "own key, {}: {}",
                        host, authority->file->path, authority->line->number, shows, keyscan(names, first_file))};
  }
  return {Kind::unknown,
          fmt::format("the host key of {} is not known: it shows {}; compare it on the host's console (ssh-keygen -lf "
                      "/etc/ssh/ssh_host_*_key.pub), then: {}",
                      host, shows, keyscan(names, first_file))};
}

std::string KnownHosts::algorithms(const std::vector<std::string> &files, const HostNames &names) {
  std::vector<std::string> order;
  const auto add = [&order](std::string_view name) {
    if (std::find(order.begin(), order.end(), name) == order.end()) order.emplace_back(name);
  };
  std::vector<Match> found = matches(files, names, true);
  if (found.empty() && names.port != 22) found = matches(files, names, false);
  for (const Match &match : found) {
    if (match.line->mark != Line::Mark::none) continue;
    const std::string &type = match.line->key.type;
    if (type == "ssh-rsa") {
      add("rsa-sha2-512");
      add("rsa-sha2-256");
    } else if (type == "ssh-ed25519" || type.rfind("ecdsa-sha2-nistp", 0) == 0) {
      add(type);
    }
  }
  for (const char *name : {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
                           "rsa-sha2-512", "rsa-sha2-256"}) {
    add(name);
  }
  std::string text;
  for (const std::string &name : order) text += (text.empty() ? "" : ",") + name;
  return text;
}

}  // namespace upg::transport

#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace upg::transport {

/// A host key as known_hosts writes it: type and base64 blob.
struct HostKey {
  std::string type;
  std::string blob;
};

/// "SHA256:..." of a base64 blob, as ssh prints it; empty if it is no base64.
std::string fingerprint(std::string_view blob);

/// Who a host is called in known_hosts: all names and the port.
struct HostNames {
  std::vector<std::string> names;  // most particular first; used in what is proposed to the user
  std::uint16_t port = 22;
  /// "name" or "[name]:port".
  std::string spelled(std::size_t index) const;
};

struct KeyVerdict {
  enum class Kind { known, unknown, changed, revoked, authority } kind = Kind::unknown;
  std::string detail;  // for a person: what was shown, what is on file and where, how to mend it
};

/// known_hosts, read whole: plain and hashed names, patterns and negations, [name]:port, @revoked; @cert-authority
/// lines are only reported. A file is read again when it has changed.
class KnownHosts {
 public:
  KeyVerdict check(const std::vector<std::string> &files, const HostNames &names, const HostKey &shown);
  /// Host key algorithms to ask for, those on file for this host first (else a server with several keys would show
  /// another one).
  std::string algorithms(const std::vector<std::string> &files, const HostNames &names);

 private:
  struct Line {
    std::size_t number = 0;
    enum class Mark { none, revoked, authority } mark = Mark::none;
    std::string patterns;
    HostKey key;
  };
  struct File {
    std::string path;
    std::int64_t mtime_ns = 0;
    std::int64_t size = -1;
    std::vector<Line> lines;
  };
  struct Match {
    const File *file;
    const Line *line;
  };
  const File &load(const std::string &path);
  std::vector<Match> matches(const std::vector<std::string> &files, const HostNames &names, bool with_port);

  std::vector<std::unique_ptr<File>> files_;
};

}  // namespace upg::transport

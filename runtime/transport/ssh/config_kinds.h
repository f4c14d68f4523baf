#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace upg::transport {

/// Which hosts ssh_config says the same about, so that one `ssh -G` answers for all of them: three hundred take seconds
/// of the processor. Nothing is read here but which `Host` blocks speak of a host, and a HostName without tokens; what
/// the rest means is for ssh to say. Where a file says more than that can tell apart (`Match`, `Include` with a token,
/// quotes in a `Host` line, CanonicalizeHostname), every host is asked about for itself.
class ConfigKinds {
 public:
  /// The file of `ssh -F`; empty: the user's, in `home`, and the system's.
  ConfigKinds(const std::string &file, const std::string &home);

  struct Kind {
    std::string key;       // equal: ssh -G says the same, but for the name and what follows from it
    std::string hostname;  // what HostName says; empty: the name itself
  };
  /// None: the host is to be asked about for itself.
  std::optional<Kind> of(std::string_view host) const;

 private:
  /// A `Host` line, and the one around its file, if that is included; the lines up to the next one.
  struct Block {
    std::vector<std::string> patterns;  // empty: every host
    std::size_t around = 0;             // 1 + the block that the file is included in
    std::string text;
    std::string hostname;
  };
  void read(const std::string &file, const std::string &folder, const std::string &home, std::size_t around, int depth);
  bool line(std::string_view text, const std::string &folder, const std::string &home, std::size_t &block,
            std::size_t around, int depth);
  std::size_t open(std::vector<std::string> patterns, std::size_t around);
  bool include(std::string_view files, const std::string &folder, const std::string &home, std::size_t around,
               int depth);

  std::vector<Block> blocks_;
  std::size_t bytes_ = 0;
  bool plain_ = true;  // all of it was understood
};

/// Whether one of the patterns of a `Host` line matches, and none that is negated does.
bool matches_host(const std::vector<std::string> &patterns, std::string_view host);

}  // namespace upg::transport

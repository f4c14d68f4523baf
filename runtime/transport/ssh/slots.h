#pragma once
#include <string>
#include <unordered_map>

namespace upg::transport {

/// Limits how many handshakes go on at once: in all, and towards one address or through one bastion (sshd's
/// MaxStartups).
class Slots {
 public:
  explicit Slots(unsigned most) : most_(most) {}
  bool take_address(const std::string &key, unsigned most) {
    unsigned &count = addresses_[key];
    if (count >= most) return false;
    ++count;
    return true;
  }
  void release_address(const std::string &key) {
    const auto found = addresses_.find(key);
    if (found == addresses_.end()) return;
    if (--found->second == 0) addresses_.erase(found);
    released_ = true;
  }
  bool take() {
    if (used_ >= most_) return false;
    ++used_;
    return true;
  }
  void release() {
    --used_;
    released_ = true;
  }
  /// Something was released since the last call: those who wait should try again.
  bool take_released() {
    const bool released = released_;
    released_ = false;
    return released;
  }

 private:
  unsigned most_;
  unsigned used_ = 0;
  bool released_ = false;
  std::unordered_map<std::string, unsigned> addresses_;
};

}  // namespace upg::transport

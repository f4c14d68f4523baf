#include "runtime/transport/ssh/identities.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>

#include "runtime/transport/spawn.h"

namespace upg::transport {
namespace {

constexpr std::size_t max_key_file = 64 * 1024;

std::optional<std::string> read_small(const std::string &path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode) ||
      static_cast<std::size_t>(status.st_size) > max_key_file) {
    return std::nullopt;
  }
  std::ifstream in(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in.good() && !in.eof()) return std::nullopt;
  return text;
}

bool is_encrypted(const std::string &text) {
  if (text.find("BEGIN ENCRYPTED PRIVATE KEY") != std::string::npos ||
      text.find("Proc-Type: 4,ENCRYPTED") != std::string::npos)
    return true;
  const std::string head = "-----BEGIN OPENSSH PRIVATE KEY-----";
  const std::size_t at = text.find(head);
  if (at == std::string::npos) return false;
  // base64 of "openssh-key-v1", NUL, and the cipher name "none"
  const std::size_t body = text.find_first_not_of("\r\n", at + head.size());
  return body != std::string::npos && text.compare(body, 31, "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU") != 0;
}

int no_passphrase(const char *, char *, size_t, int, int, void *) { return -1; }

}  // namespace

Identities::~Identities() {
  for (const auto &identity : loaded_) {
    ssh_key_free(identity->certified);
    ssh_key_free(identity->key);
  }
}

const Identities::Identity &Identities::load(const std::string &path, const std::vector<std::string> &certificates) {
  for (const auto &identity : loaded_) {
    if (identity->path == path) return *identity;
  }
  loaded_.push_back(std::make_unique<Identity>());
  Identity &identity = *loaded_.back();
  identity.path = path;
  const auto text = read_small(path);
  if (!text) {
    struct stat status {};
    identity.state = stat(path.c_str(), &status) == 0 ? State::unreadable : State::missing;
    identity.detail = std::strerror(errno);
    return identity;
  }
  if (is_encrypted(*text)) {
    identity.state = State::encrypted;
    return identity;
  }
  if (ssh_pki_import_privkey_file(path.c_str(), nullptr, no_passphrase, nullptr, &identity.key) != SSH_OK) {
    identity.state = State::unreadable;
    identity.detail = "not a private key that can be used";
    return identity;
  }
  identity.state = State::usable;
  std::vector<std::string> candidates = {path + "-cert.pub"};
  candidates.insert(candidates.end(), certificates.begin(), certificates.end());
  for (const std::string &candidate : candidates) {
    ssh_key certificate = nullptr;
    if (ssh_pki_import_cert_file(candidate.c_str(), &certificate) != SSH_OK) continue;
    // Certificates given by name may belong to another key: copying refuses those.
    ssh_key with_certificate = ssh_key_dup(identity.key);
    if (ssh_pki_copy_cert_to_privkey(certificate, with_certificate) == SSH_OK)
      identity.certified = with_certificate;
    else
      ssh_key_free(with_certificate);
    ssh_key_free(certificate);
    if (identity.certified) break;
  }
  return identity;
}

bool agent_answers(const std::string &socket_path, int timeout_ms) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.empty() || socket_path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  const Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid() || connect(fd.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0) return false;
  const std::array<char, 5> list_identities = {0, 0, 0, 1, 11};
  if (send(fd.get(), list_identities.data(), list_identities.size(), MSG_NOSIGNAL) != 5) return false;
  pollfd ready{fd.get(), POLLIN, 0};
  char byte = 0;
  return poll(&ready, 1, timeout_ms) == 1 && recv(fd.get(), &byte, 1, 0) == 1;
}

}  // namespace upg::transport

#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::test {

struct etcd_options {
  /// 1 or 3.
  std::size_t members = 1;
  /// More arguments of each member.
  std::vector<std::string> arguments;
  /// Clients must show a certificate; see tls_file(). Needs the program openssl.
  bool tls = false;
};

/// Real etcd servers on loopback with free ports and a folder of their own, which outlive kills and
/// go with this object. Quick elections, and no fsync: power cuts are not what is tested here.
///   etcd_process etcd;
///   ASSERT_TRUE(etcd.start()) << etcd.log();
class etcd_process {
 public:
  explicit etcd_process(etcd_options options = {});
  /// Kills what still runs.
  ~etcd_process();
  etcd_process(const etcd_process&) = delete;
  etcd_process& operator=(const etcd_process&) = delete;

  /// Whether Debian's etcd-server, and etcdctl of etcd-client, are installed.
  [[nodiscard]] static bool is_installed();
  [[nodiscard]] static bool has_etcdctl();

  /// Starts the members that do not run; whether all serve within `limit`.
  [[nodiscard]] bool start(std::chrono::milliseconds limit = std::chrono::seconds{30});
  [[nodiscard]] bool start_member(std::size_t number,
                                  std::chrono::milliseconds limit = std::chrono::seconds{30});
  void kill9(std::size_t member);
  void kill_all();
  /// SIGSTOP and SIGCONT.
  void pause(std::size_t member);
  void resume(std::size_t member);

  [[nodiscard]] std::size_t members() const { return members_.size(); }
  /// `http://127.0.0.1:port`, or https, one for each member.
  [[nodiscard]] std::vector<std::string> endpoints() const;
  /// The member that leads; members() when there is none.
  [[nodiscard]] std::size_t leader() const;

  /// `etcdctl snapshot save` of a member, and later all members begin anew from it, at the same
  /// addresses. False: log() says why. `token`: another one makes another cluster id.
  [[nodiscard]] bool save(const std::filesystem::path& file);
  [[nodiscard]] bool restore(const std::filesystem::path& file, const std::string& token = "");
  /// `etcdctl` with the endpoints.
  [[nodiscard]] run_result control(std::vector<std::string> arguments) const;

  /// `ca.pem`, and `client.pem` and `client.key` that it has signed.
  [[nodiscard]] std::filesystem::path tls_file(const char* name) const {
    return folder_.path() / name;
  }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }
  [[nodiscard]] std::string log() const;

 private:
  struct member {
    std::string name;
    std::uint16_t client_port = 0;
    std::uint16_t peer_port = 0;
    std::unique_ptr<child_process> process;
    std::string old_log;
  };

  void launch(member& one);
  [[nodiscard]] bool wait_serving(const member& one, std::chrono::milliseconds limit) const;
  [[nodiscard]] std::string peers() const;
  [[nodiscard]] std::string client_url(const member& one) const;
  void make_certificates();
  /// The answer's body; empty: none.
  [[nodiscard]] std::string ask(const member& one, const char* path, const char* body) const;
  [[nodiscard]] static std::string url(std::uint16_t port);

  etcd_options options_;
  temp_folder folder_;
  std::vector<member> members_;
  std::string control_log_;
};

}  // namespace tandem::test

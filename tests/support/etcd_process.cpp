#include "tests/support/etcd_process.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <thread>
#include <utility>

#include <curl/curl.h>

#include "tests/support/free_port.hpp"

namespace tandem::test {
namespace {

using clock = std::chrono::steady_clock;

std::filesystem::path find_program(const char* name) {
  for (const char* folder : {"/usr/bin", "/usr/local/bin"}) {
    auto file = std::filesystem::path{folder} / name;
    if (std::filesystem::exists(file)) return file;
  }
  return {};
}

std::size_t append(char* data, std::size_t size, std::size_t count, void* to) {
  static_cast<std::string*>(to)->append(data, size * count);
  return size * count;
}

/// The text of a member of a flat JSON object.
std::string member_text(const std::string& json, const std::string& key) {
  auto mark = "\"" + key + "\":\"";
  auto begin = json.find(mark);
  if (begin == json.npos) return {};
  begin += mark.size();
  return json.substr(begin, json.find('"', begin) - begin);
}

}  // namespace

etcd_process::etcd_process(etcd_options options) : options_{std::move(options)} {
  for (std::size_t i = 0; i < options_.members; ++i) {
    auto& one = members_.emplace_back();
    one.name = "m" + std::to_string(i);
    one.client_port = free_port();
    one.peer_port = free_port();
  }
  if (options_.tls) make_certificates();
}

etcd_process::~etcd_process() {
  kill_all();
  write_text(folder_.path() / "etcd.log", log());
}

bool etcd_process::is_installed() {
  return !find_program("etcd").empty();
}

bool etcd_process::has_etcdctl() {
  return !find_program("etcdctl").empty();
}

std::string etcd_process::url(std::uint16_t port) {
  return "http://127.0.0.1:" + std::to_string(port);
}

std::string etcd_process::client_url(const member& one) const {
  return (options_.tls ? "https" : "http") + url(one.client_port).substr(4);
}

void etcd_process::make_certificates() {
  auto sign = [this](std::vector<std::string> arguments) {
    auto result = run({.program = find_program("openssl"),
                       .arguments = std::move(arguments),
                       .environment = {},
                       .input = {}});
    control_log_ += result.out + result.err;
  };
  auto file = [this](const std::string& name) { return (folder_.path() / name).string(); };
  std::vector<std::string> key{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"};
  auto request = [&key](std::vector<std::string> more) {
    more.insert(more.end(), key.begin(), key.end());
    more.insert(more.begin(), {"req"});
    return more;
  };
  sign(request({"-x509", "-subj", "/CN=ca", "-days", "2", "-keyout", file("ca.key"), "-out",
                file("ca.pem")}));
  write_text(file("names"), "subjectAltName=IP:127.0.0.1\n");
  for (std::string name : {"server", "client"}) {
    sign(request(
        {"-subj", "/CN=" + name, "-keyout", file(name + ".key"), "-out", file(name + ".csr")}));
    sign({"x509", "-req", "-in", file(name + ".csr"), "-CA", file("ca.pem"), "-CAkey",
          file("ca.key"), "-CAcreateserial", "-days", "2", "-extfile", file("names"), "-out",
          file(name + ".pem")});
  }
}

std::string etcd_process::ask(const member& one, const char* path, const char* body) const {
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy{curl_easy_init(), &curl_easy_cleanup};
  std::string out;
  auto ca = tls_file("ca.pem");
  auto certificate = tls_file("client.pem");
  auto key = tls_file("client.key");
  if (options_.tls) {
    curl_easy_setopt(easy.get(), CURLOPT_CAINFO, ca.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_SSLCERT, certificate.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_SSLKEY, key.c_str());
  }
  curl_easy_setopt(easy.get(), CURLOPT_URL, (client_url(one) + path).c_str());
  curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDS, body);
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, 500L);
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(easy.get(), CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, &append);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &out);
  return curl_easy_perform(easy.get()) == CURLE_OK ? out : std::string{};
}

std::string etcd_process::peers() const {
  std::string out;
  for (const auto& one : members_)
    out += (out.empty() ? "" : ",") + one.name + "=" + url(one.peer_port);
  return out;
}

std::vector<std::string> etcd_process::endpoints() const {
  std::vector<std::string> out;
  for (const auto& one : members_) out.push_back(client_url(one));
  return out;
}

void etcd_process::launch(member& one) {
  if (one.process) one.old_log += one.process->log();
  std::vector<std::string> arguments{"--name",
                                     one.name,
                                     "--data-dir",
                                     (folder_.path() / one.name).string(),
                                     "--listen-client-urls",
                                     client_url(one),
                                     "--advertise-client-urls",
                                     client_url(one),
                                     "--listen-peer-urls",
                                     url(one.peer_port),
                                     "--initial-advertise-peer-urls",
                                     url(one.peer_port),
                                     "--initial-cluster",
                                     peers(),
                                     "--heartbeat-interval",
                                     "50",
                                     "--election-timeout",
                                     "500",
                                     "--unsafe-no-fsync"};
  arguments.insert(arguments.end(), options_.arguments.begin(), options_.arguments.end());
  if (options_.tls)
    arguments.insert(
        arguments.end(),
        {"--client-cert-auth", "--trusted-ca-file", tls_file("ca.pem").string(), "--cert-file",
         tls_file("server.pem").string(), "--key-file", tls_file("server.key").string()});
  // A name of etcd's in the environment would be an argument.
  one.process = std::make_unique<child_process>(child_options{.program = find_program("etcd"),
                                                              .arguments = std::move(arguments),
                                                              .environment = {},
                                                              .input = {}});
}

bool etcd_process::wait_serving(const member& one, std::chrono::milliseconds limit) const {
  // A read of "a" that all members agree upon.
  for (auto end = clock::now() + limit; clock::now() < end;) {
    if (!one.process->is_running()) return false;
    if (!ask(one, "/v3/kv/range", R"({"key":"YQ=="})").empty()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  return false;
}

bool etcd_process::start(std::chrono::milliseconds limit) {
  for (auto& one : members_)
    if (!one.process || !one.process->is_running()) launch(one);
  return std::all_of(members_.begin(), members_.end(),
                     [&](const member& one) { return wait_serving(one, limit); });
}

bool etcd_process::start_member(std::size_t number, std::chrono::milliseconds limit) {
  launch(members_[number]);
  return wait_serving(members_[number], limit);
}

void etcd_process::kill9(std::size_t number) {
  if (members_[number].process) members_[number].process->kill9();
}

void etcd_process::kill_all() {
  for (auto& one : members_)
    if (one.process) one.process->signal(SIGKILL);
  for (std::size_t i = 0; i < members_.size(); ++i) kill9(i);
}

void etcd_process::pause(std::size_t number) {
  auto& process = *members_[number].process;
  process.signal(SIGSTOP);
  // It takes a moment until all of its threads stand still.
  siginfo_t stopped{};
  (void)::waitid(P_PID, static_cast<id_t>(process.pid()), &stopped, WSTOPPED | WEXITED | WNOWAIT);
}

void etcd_process::resume(std::size_t number) {
  members_[number].process->signal(SIGCONT);
}

std::size_t etcd_process::leader() const {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    auto status = ask(members_[i], "/v3/maintenance/status", "{}");
    auto leads = member_text(status, "leader");
    if (!leads.empty() && leads == member_text(status, "member_id")) return i;
  }
  return members_.size();
}

run_result etcd_process::control(std::vector<std::string> arguments) const {
  std::string all;
  for (const auto& url : endpoints()) all += (all.empty() ? "" : ",") + url;
  arguments.insert(arguments.begin(), {"--endpoints", all});
  return run({.program = find_program("etcdctl"),
              .arguments = std::move(arguments),
              .environment = {{"ETCDCTL_API", "3"}},
              .input = {}});
}

bool etcd_process::save(const std::filesystem::path& file) {
  auto result =
      run({.program = find_program("etcdctl"),
           .arguments = {"--endpoints", endpoints().front(), "snapshot", "save", file.string()},
           .environment = {{"ETCDCTL_API", "3"}},
           .input = {}});
  control_log_ += result.out + result.err;
  return result.code == 0;
}

bool etcd_process::restore(const std::filesystem::path& file, const std::string& token) {
  kill_all();
  for (auto& one : members_) {
    std::filesystem::remove_all(folder_.path() / one.name);
    std::vector<std::string> arguments{"snapshot",
                                       "restore",
                                       file.string(),
                                       "--name",
                                       one.name,
                                       "--data-dir",
                                       (folder_.path() / one.name).string(),
                                       "--initial-cluster",
                                       peers(),
                                       "--initial-advertise-peer-urls",
                                       url(one.peer_port)};
    if (!token.empty()) arguments.insert(arguments.end(), {"--initial-cluster-token", token});
    auto result = run({.program = find_program("etcdctl"),
                       .arguments = std::move(arguments),
                       .environment = {{"ETCDCTL_API", "3"}},
                       .input = {}});
    control_log_ += result.out + result.err;
    if (result.code != 0) return false;
  }
  return true;
}

std::string etcd_process::log() const {
  std::string out = control_log_;
  for (const auto& one : members_) {
    out += "--- " + one.name + "\n" + one.old_log;
    if (one.process) out += one.process->log();
  }
  return out;
}

}  // namespace tandem::test

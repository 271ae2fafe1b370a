// 1 GiB over TLS, verified and on the disk, beside curl from nginx, and rsync without TLS.

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include <sys/wait.h>

#include "tests/bench/weights_transfer/transfer_bench.hpp"

namespace tandem::bench {
namespace {

constexpr std::uint64_t bytes = std::uint64_t{1} << 30;
constexpr int rounds = 3;
constexpr const char* nginx_port = "28443";
constexpr const char* rsync_port = "28873";

bool is_there(const std::string& program) {
  return std::system(("command -v " + program + " >/dev/null 2>&1").c_str()) == 0;
}

/// Seconds; 0: it failed.
double time_of(const std::string& command) {
  auto begun = std::chrono::steady_clock::now();
  if (std::system((command + " >/dev/null 2>&1").c_str()) != 0) return 0;
  return seconds_since(begun);
}

/// The same kind of server for curl as a node is: one process, mutual TLS.
class nginx_process {
 public:
  nginx_process(const work_folder& folder, const std::filesystem::path& files) {
    auto conf = folder.path() / "nginx.conf";
    std::ofstream{conf} << "daemon off; master_process off; worker_processes 1; user root; pid "
                        << folder.path().string()
                        << "/nginx.pid; error_log stderr;\nevents {}\nhttp { access_log off; "
                        << "server { listen 127.0.0.1:" << nginx_port << " ssl; root "
                        << files.string() << "; ssl_certificate "
                        << folder.tls().certificate.string() << "; ssl_certificate_key "
                        << folder.tls().key.string() << "; ssl_client_certificate "
                        << folder.tls().ca.string()
                        << "; ssl_verify_client on; ssl_verify_depth 2; ssl_buffer_size 16k; "
                        << "output_buffers 2 256k; } }\n";
    child_ = std::make_unique<test::child_process>(
        test::child_options{.program = "/usr/sbin/nginx", .arguments = {"-c", conf.string()}});
  }

 private:
  std::unique_ptr<test::child_process> child_;
};

std::unique_ptr<test::child_process> rsync_daemon(const work_folder& folder,
                                                  const std::filesystem::path& files) {
  auto conf = folder.path() / "rsyncd.conf";
  std::ofstream{conf} << "use chroot = no\nport = " << rsync_port
                      << "\naddress = 127.0.0.1\nuid = 0\ngid = 0\n[m]\npath = " << files.string()
                      << "\nread only = yes\n";
  return std::make_unique<test::child_process>(
      test::child_options{.program = "/usr/bin/rsync",
                          .arguments = {"--daemon", "--no-detach", "--config=" + conf.string()}});
}

}  // namespace

void run_one_to_one(transfer_results& results) {
  work_folder folder{"one_to_one"};
  auto files = folder.path() / "files";
  std::filesystem::create_directories(files);
  write_noise(files / "weights", bytes, 1);
  auto hash = add_version(folder.path() / "from", files / "weights");
  serving_process server{folder, folder.path() / "from"};
  nginx_process nginx{folder, files};
  auto rsyncd = is_there("rsync") ? rsync_daemon(folder, files) : nullptr;
  const auto to = (folder.path() / "to").string();
  const auto curl = "curl -sf --retry 5 --retry-connrefused --cacert " + folder.tls().ca.string() +
                    " --cert " + folder.tls().certificate.string() + " --key " +
                    folder.tls().key.string() + " -o " + to + " https://localhost:" + nginx_port +
                    "/weights";
  std::vector<double> ours, curls, curls_synced, rsyncs;
  double fetch_mb = 0;
  for (int i = 0; i < rounds; ++i) {
    auto fetch = start_fetch(folder, to, hash, server.url());
    auto end = end_of(*fetch);
    results.ok = results.ok && end.ok;
    ours.push_back(end.seconds);
    fetch_mb = std::max(fetch_mb, end.grown_mb);
    std::filesystem::remove_all(to);
    auto bare = time_of(curl);
    curls.push_back(bare);
    curls_synced.push_back(bare + time_of("sync " + to));
    std::filesystem::remove_all(to);
    std::printf("1 GiB: ours %.2f s, curl %.2f s, curl and sync %.2f s\n", ours.back(),
                curls.back(), curls_synced.back());
    if (rsyncd) {
      rsyncs.push_back(time_of("timeout 60 rsync -W --inplace rsync://127.0.0.1:" +
                               std::string{rsync_port} + "/m/weights " + to + " && sync " + to));
      std::printf("rsync and sync %.2f s\n", rsyncs.back());
      std::filesystem::remove_all(to);
    }
  }
  auto median = [](const std::vector<double>& values) { return percentile(values, 0.5); };
  results.note("one_s", median(ours));
  results.note("curl_s", median(curls));
  results.note("curl_synced_s", median(curls_synced));
  if (!rsyncs.empty()) results.note("rsync_s", median(rsyncs));
  results.note("over_curl_not_synced", median(curls) / median(ours));
  // Of ours it is known that it will be there after a power cut.
  results.at_least("over_curl", median(curls_synced) / median(ours));
  results.ratio = results.figures["over_curl"];
  results.at_most("fetch_grown_mb", fetch_mb);
  results.at_most("serve_grown_mb", server.grown_mb());
}

}  // namespace tandem::bench

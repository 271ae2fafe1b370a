#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "actors/replication/journal_record.hpp"
#include "tests/fault/journal_check.hpp"
#include "tests/support/cluster_process.hpp"
#include "tests/support/etcd_process.hpp"
#include "tests/support/free_port.hpp"

namespace tandem::test {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

/// On a busy machine; a wait that holds ends at once.
inline constexpr auto limit = 60s;
inline constexpr auto lease = 2s;

/// By journal.
using acknowledged_jobs = std::map<std::string, std::vector<job_id>>;

/// Three nodes, each of whose journals has copies on the others, and a real etcd.
class Replicated : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!etcd_process::is_installed() || !etcd_process::has_etcdctl())
      GTEST_SKIP() << "no etcd: install Debian's packages etcd-server and etcd-client";
    ASSERT_TRUE(etcd_.start()) << etcd_.log();
    for (std::size_t i = 0; i < cluster_.size(); ++i) cluster_.start(i, config(), free_address());
    for (std::size_t i = 0; i < cluster_.size(); ++i)
      ASSERT_TRUE(cluster_[i].wait_ready()) << cluster_.log();
  }

  [[nodiscard]] std::string config() const {
    return sim_config{}.text() + quick_cluster_config(1000) + "\n[etcd]\nendpoints = [\"" +
           etcd_.endpoints().front() +
           "\"]\n\n[replication]\ncopies = 3\nmin_in_sync = 2\nlease = \"2s\"\n";
  }

  /// What etcd holds of a journal.
  [[nodiscard]] std::optional<journal_record> record_of(const std::string& journal) const {
    auto key = journal_key("tandem", *parse_journal_id(journal));
    auto got = etcd_.control({"get", "--print-value-only", key});
    if (!got.out.empty() && got.out.back() == '\n') got.out.pop_back();
    auto parsed = parse_journal_record(got.out);
    return parsed ? std::optional{*parsed} : std::nullopt;
  }
  [[nodiscard]] bool wait_in_sync(const std::string& journal, std::size_t copies) const {
    return wait_until(limit, [&] {
      auto record = record_of(journal);
      return record && record->in_sync.size() >= copies;
    });
  }

  /// Every job of every journal has ended once, and no step was done twice. All nodes are stopped.
  void check_journals(const acknowledged_jobs& acknowledged) {
    std::map<std::string, fs::path> folders;
    for (std::size_t i = 0; i < cluster_.size(); ++i)
      folders[cluster_[i].journal()] = cluster_[i].data_dir() / "journal";
    for (const auto& [journal, jobs] : acknowledged) {
      auto record = record_of(journal);
      ASSERT_TRUE(record && record->primary) << journal;
      for (std::size_t i = 0; i < cluster_.size(); ++i)
        if (folders.count(journal) == 0 && cluster_process::name(i) == record->primary->copy.node)
          folders[journal] = cluster_[i].data_dir() / "copies" / journal;
    }
    for (std::size_t i = 0; i < cluster_.size(); ++i) EXPECT_EQ(cluster_[i].stop(), 0);
    for (const auto& [journal, jobs] : acknowledged) {
      auto account = fault::check_journal(folders[journal], {}, jobs);
      EXPECT_GE(account.done, jobs.size());
      for (const auto& broken : account.broken) ADD_FAILURE() << journal << ": " << broken;
    }
  }

  /// The node is lost with all its data; its certificates are issued again.
  void lose(std::size_t node) {
    auto& lost = cluster_[node];
    lost.kill9();
    for (const auto& entry : fs::directory_iterator{lost.data_dir()})
      if (entry.path() != lost.tls_dir()) fs::remove_all(entry.path());
  }

  etcd_process etcd_;
  cluster_process cluster_{TANDEM_BIN_DIR, 3};
};

/// Clients that submit jobs at one node until it is gone.
class load {
 public:
  explicit load(const client_options& to) {
    for (int i = 0; i < 4; ++i) threads_.emplace_back([this, to] { run(to); });
  }
  ~load() { end(); }
  void end() {
    is_over_ = true;
    join();
  }
  void join() {
    for (auto& thread : threads_)
      if (thread.joinable()) thread.join();
  }
  [[nodiscard]] std::size_t acknowledged() const {
    std::lock_guard lock{mutex_};
    return jobs_.size();
  }
  [[nodiscard]] std::vector<job_id> jobs() const {
    std::lock_guard lock{mutex_};
    return jobs_;
  }

 private:
  void run(const client_options& to) {
    try {
      auto made = client::connect(to);
      if (!made) return;
      auto end = std::chrono::steady_clock::now() + limit;
      while (!is_over_ && std::chrono::steady_clock::now() < end) {
        auto job = submit(*made, goal_with_steps({{1, R"(@sim {"reply":"one"})", {}}}));
        std::lock_guard lock{mutex_};
        jobs_.push_back(job);
      }
    } catch (const std::runtime_error&) {
      // The node was killed.
    }
  }

  std::atomic<bool> is_over_ = false;
  mutable std::mutex mutex_;
  std::vector<job_id> jobs_;
  std::vector<std::thread> threads_;
};

/// Every job is done, as the node of `at` says; they are added to `acknowledged`.
inline void wait_all(client& at, const std::vector<job_id>& jobs, acknowledged_jobs& acknowledged) {
  for (auto job : jobs) {
    outcome end;
    ASSERT_TRUE(wait_until(limit, [&] {
      auto summary = at.wait(job, 20s);
      if (summary) end = outcome_of(*summary->read());
      return static_cast<bool>(summary);
    })) << to_string(job);
    EXPECT_EQ(end.state, "done") << to_string(job) << ": " << end.reason;
    acknowledged[to_string(job.journal)].push_back(job);
  }
}

}  // namespace tandem::test

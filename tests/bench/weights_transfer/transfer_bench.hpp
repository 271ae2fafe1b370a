#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/system/tls_files.hpp"
#include "actors/weights/version_store.hpp"
#include "tests/bench/bench_report.hpp"
#include "tests/bench/temp_folder.hpp"
#include "tests/support/child_process.hpp"

namespace tandem::bench {

/// What the scenarios of `bench_weights_transfer` found.
struct transfer_results {
  std::map<std::string, double> figures;
  /// Over curl.
  double ratio = 0;
  bool ok = true;

  void note(const std::string& figure, double value) { figures[figure] = value; }
  /// `<figure>_max` or `<figure>_min` in goals.json.
  void at_most(const std::string& figure, double value);
  void at_least(const std::string& figure, double value);
};

/// One of the bench's scenarios; prints what it does.
struct transfer_scenario {
  const char* name;
  void (*run)(transfer_results&);
};

void run_one_to_one(transfer_results& results);
void run_limited_links(transfer_results& results);
void run_differences(transfer_results& results);
void run_kills(transfer_results& results);

/// On the disk that the build lies on; gone at the end.
class work_folder {
 public:
  explicit work_folder(const std::string& name);
  work_folder(const work_folder&) = delete;
  work_folder& operator=(const work_folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }
  /// The certificates of all nodes here.
  [[nodiscard]] const tls_files& tls() const { return tls_; }

 private:
  temp_folder folder_;
  tls_files tls_;
};

/// A file of noise, the same for the same seed.
void write_noise(const std::filesystem::path& file, std::uint64_t bytes, std::uint64_t seed);
/// Opens the store and adds this file of whole chunks as a version; exits with the reason when it
/// cannot.
weight_hash add_version(const std::filesystem::path& store, const std::filesystem::path& file);
[[nodiscard]] std::shared_ptr<version_store> open_store(const std::filesystem::path& folder);

/// This program as a node that serves a store, in a process of its own.
class serving_process {
 public:
  serving_process(const work_folder& folder, const std::filesystem::path& store,
                  std::uint64_t bytes_per_s = 0);
  [[nodiscard]] const std::string& url() const { return url_; }
  /// Most that it has used since it was ready, in MB.
  [[nodiscard]] double grown_mb() const;
  void kill9() { child_->kill9(); }

 private:
  std::unique_ptr<test::child_process> child_;
  std::string url_;
  double ready_mb_ = 0;
};

struct fetched {
  bool ok = false;
  /// Of the whole process, the files on the disk.
  double seconds = 0;
  double moved_bytes = 0;
  double grown_mb = 0;
};

/// This program as a node that fetches, in a process of its own.
std::unique_ptr<test::child_process> start_fetch(const work_folder& folder,
                                                 const std::filesystem::path& store,
                                                 const weight_hash& hash, const std::string& url);
/// Waits for its end.
fetched end_of(test::child_process& fetch);

/// `serve` and `fetch` of those processes; argv[1] says which.
int run_as_child(int argc, char** argv);

}  // namespace tandem::bench

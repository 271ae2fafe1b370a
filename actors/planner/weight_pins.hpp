#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tandem {

/// Which weight versions the running jobs of one planner stay with. As large as what runs: a job is
/// forgotten when it ends, and what it uses is bounded by models_max. No actors.
class weight_pins {
 public:
  /// Models of one job; it would take as many in the config.
  static constexpr std::size_t models_max = 256;

  /// From now on this is the job's version of the model.
  void set(std::uint64_t job, std::string_view model, std::string_view version);
  void forget(std::uint64_t job);
  /// Running jobs by version.
  [[nodiscard]] std::map<std::string, std::uint64_t> count(std::string_view model) const;
  /// Jobs that hold anything.
  [[nodiscard]] std::size_t jobs() const { return jobs_.size(); }

 private:
  using versions = std::map<std::string, std::string, std::less<>>;
  void drop(std::string_view model, const std::string& version);

  /// By job: model -> version.
  std::unordered_map<std::uint64_t, versions> jobs_;
  /// By model: version -> jobs.
  std::map<std::string, std::map<std::string, std::uint64_t>, std::less<>> counts_;
};

}  // namespace tandem

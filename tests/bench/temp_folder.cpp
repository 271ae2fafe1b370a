#include "tests/bench/temp_folder.hpp"

#include <cstdlib>

#include "tests/bench/bench_report.hpp"

namespace tandem::bench {

temp_folder::temp_folder(std::string_view name) {
  auto base = std::filesystem::path{TANDEM_BIN_DIR}.parent_path() / "bench-data";
  std::filesystem::create_directories(base);
  auto form = (base / (std::string{name} + "-XXXXXX")).string();
  if (::mkdtemp(form.data()) == nullptr) give_up("cannot make a folder in " + base.string());
  path_ = form;
}

temp_folder::~temp_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace tandem::bench

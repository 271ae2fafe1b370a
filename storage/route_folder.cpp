#include "storage/route_folder.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <map>
#include <system_error>

#include "schema/errc.hpp"
#include "storage/storage_error.hpp"

namespace tandem::storage {

namespace fs = std::filesystem;

caf::error make_route_folder(const fs::path& folder) {
  std::error_code code;
  if (fs::is_directory(folder, code)) return {};
  if (fs::exists(folder, code))
    return make_error(errc::corrupted, folder.string() + " is no folder");
  if (folder.has_parent_path()) fs::create_directories(folder.parent_path(), code);
  if (code) return to_error(code.value(), "making a folder", folder.parent_path().string());
  if (::mkdir(folder.c_str(), S_IRWXU) != 0)
    return to_error(errno, "making a folder", folder.string());
  return {};
}

bool has_lost_its_manifest(const fs::path& folder) {
  std::error_code code;
  if (fs::exists(folder / "CURRENT", code)) return false;
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end;
       entry.increment(code)) {
    const auto name = entry->path().filename().string();
    if (name.ends_with(".sst") || name.ends_with(".log") || name.starts_with("MANIFEST"))
      return true;
  }
  return false;
}

caf::expected<fs::path> move_folder_aside(const fs::path& folder) {
  const auto prefix = folder.filename().string() + ".damaged-";
  const auto parent = folder.has_parent_path() ? folder.parent_path() : fs::path(".");
  std::map<std::uint64_t, fs::path> there;
  std::error_code code;
  for (fs::directory_iterator entry(parent, code), end; !code && entry != end;
       entry.increment(code)) {
    const auto name = entry->path().filename().string();
    if (!name.starts_with(prefix)) continue;
    std::uint64_t number = 0;
    const auto* last = name.data() + name.size();
    const auto read = std::from_chars(name.data() + prefix.size(), last, number);
    if (read.ptr == last && read.ec == std::errc{} && number != 0)
      there.emplace(number, entry->path());
  }
  const auto next = there.empty() ? 1 : there.rbegin()->first + 1;
  auto aside = parent / (prefix + std::to_string(next));
  fs::rename(folder, aside, code);
  if (code) return to_error(code.value(), "moving a damaged folder aside", folder.string());
  there.emplace(next, aside);
  for (; there.size() > damaged_folders_max; there.erase(there.begin()))
    fs::remove_all(there.begin()->second, code);
  return aside;
}

}  // namespace tandem::storage

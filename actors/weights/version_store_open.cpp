#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "actors/weights/version_store_parts.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;

constexpr const char* folders[] = {"manifests", "complete", "incoming", "trash"};

std::optional<weight_hash> hash_from_hex(const std::string& text) {
  weight_hash out{};
  if (text.size() != 2 * out.size()) return std::nullopt;
  const auto digit = [](char c) { return c >= 'a' ? c - 'a' + 10 : c - '0'; };
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::uint8_t>(digit(text[2 * i]) * 16 + digit(text[2 * i + 1]));
  return to_hex(out) == text ? std::optional{out} : std::nullopt;
}

caf::expected<std::vector<fs::path>> entries(const fs::path& folder) {
  std::error_code failure;
  std::vector<fs::path> out;
  for (auto at = fs::directory_iterator(folder, failure);
       !failure && at != fs::directory_iterator{}; at.increment(failure))
    out.push_back(at->path());
  if (failure) return make_error(errc::storage_failed, folder.string() + ": " + failure.message());
  return out;
}

}  // namespace

caf::expected<std::shared_ptr<version_store>> version_store::open(const fs::path& folder,
                                                                  const options& limits) {
  auto parts = std::make_unique<state>();
  parts->folder = folder;
  parts->limits = limits;
  std::error_code failure;
  for (const auto* name : folders) {
    fs::create_directories(folder / name, failure);
    if (failure)
      return make_error(errc::storage_failed, (folder / name).string() + ": " + failure.message());
  }
  const auto lock = folder / "lock";
  parts->lock = open_file{::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)};
  if (!parts->lock.is_open()) return errno_error(lock.string());
  if (::flock(parts->lock.get(), LOCK_EX | LOCK_NB) != 0)
    return errno_error(lock.string(), errc::locked);
  if (auto err = parts->load()) return err;
  return std::shared_ptr<version_store>{new version_store{std::move(parts)}};
}

fs::path version_store::state::manifest_path(const weight_hash& hash) const {
  return folder / "manifests" / to_hex(hash);
}
fs::path version_store::state::complete_path(const weight_hash& hash) const {
  return folder / "complete" / to_hex(hash);
}
fs::path version_store::state::incoming_path(const weight_hash& hash) const {
  return folder / "incoming" / to_hex(hash);
}
fs::path version_store::state::marks_path(const weight_hash& hash) const {
  return folder / "incoming" / (to_hex(hash) + ".have");
}

version_ptr version_store::state::find(const weight_hash& hash) const {
  const std::lock_guard lock{mutex};
  const auto found = versions.find(hash);
  return found == versions.end() ? nullptr : found->second;
}

std::vector<version_ptr> version_store::state::all() const {
  const std::lock_guard lock{mutex};
  std::vector<version_ptr> out;
  for (const auto& [hash, version] : versions) out.push_back(version);
  return out;
}

/// Out of sight by one rename, then gone: whenever this is cut off, nothing of it looks whole.
caf::error version_store::state::throw_away(const fs::path& path) {
  std::error_code failure;
  fs::path trash;
  do trash = folder / "trash" / std::to_string(trash_number++);
  while (fs::exists(trash, failure));
  if (::rename(path.c_str(), trash.c_str()) != 0)
    return errno == ENOENT ? caf::error{} : errno_error(path.string() + ": cannot remove");
  fs::remove_all(trash, failure);
  if (failure) return make_error(errc::storage_failed, trash.string() + ": " + failure.message());
  return caf::none;
}

caf::error version_store::state::load() {
  std::error_code failure;
  fs::remove_all(folder / "trash", failure);
  fs::create_directories(folder / "trash", failure);
  auto manifests = entries(folder / "manifests");
  if (!manifests) return std::move(manifests.error());
  for (const auto& path : *manifests) {
    const auto hash = hash_from_hex(path.filename().string());
    if (!hash) {
      if (auto err = throw_away(path)) return err;
    } else if (auto err = load_one(*hash)) {
      return err;
    }
  }
  for (const auto* name : {"complete", "incoming"}) {
    auto found = entries(folder / name);
    if (!found) return std::move(found.error());
    for (const auto& path : *found) {
      const auto hash = hash_from_hex(path.stem().string());
      const auto version = hash ? find(*hash) : nullptr;
      if (version && version->complete == (std::string_view{name} == "complete")) continue;
      if (auto err = throw_away(path)) return err;
    }
  }
  return caf::none;
}

caf::error version_store::state::load_one(const weight_hash& hash) {
  auto bytes = read_small(manifest_path(hash), manifest_bytes_max);
  if (!bytes) return make_error(errc::storage_failed, message_of(bytes.error()));
  auto manifest = decode_manifest(*bytes);
  // Files whose manifest is damaged can't be told from damaged ones: they are fetched again.
  if (!manifest || hash_of(*bytes) != hash) return throw_away(manifest_path(hash));
  auto version = std::make_shared<stored_version>();
  version->manifest = std::move(*manifest);
  version->hash = hash;
  const auto count = version->manifest.chunk_count();
  for (std::size_t i = 0; i < count; ++i) version->places.push_back(version->manifest.place(i));
  version->have.resize(count);
  // Only what is surely not there may be cleared away.
  const auto open_folder = [&](const fs::path& path) {
    version->folder = open_file{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    return version->folder.is_open() || errno == ENOENT ? caf::error{} : errno_error(path.string());
  };
  if (auto err = open_folder(complete_path(hash))) return err;
  version->complete = version->folder.is_open();
  if (!version->complete) {
    if (auto err = open_folder(incoming_path(hash))) return err;
    auto err = version->folder.is_open() ? load_marks(*version) : no_version(hash);
    // Half begun or half removed.
    if (err && (code_of(err) == errc::not_found || code_of(err) == errc::corrupted))
      return throw_away(manifest_path(hash));
    if (err) return err;
  }
  const std::lock_guard lock{mutex};
  versions.emplace(hash, std::move(version));
  return caf::none;
}

caf::error version_store::state::load_marks(stored_version& version) const {
  std::vector<std::size_t> synced, unsynced;
  const auto path = marks_path(version.hash);
  {
    auto old = chunk_marks::open(path, version.places.size(), synced, unsynced);
    if (!old) return std::move(old.error());
    version.marks = std::move(*old);
  }
  for (const auto chunk : synced) version.have[chunk] = true;
  std::vector<std::uint8_t> buffer;
  bool lost = false;
  for (const auto chunk : unsynced) {
    if (version.have[chunk]) continue;
    version.have[chunk] = version.verify(chunk, buffer);
    lost = lost || !version.have[chunk];
  }
  version.have_count =
      static_cast<std::size_t>(std::count(version.have.begin(), version.have.end(), true));
  if (unsynced.empty()) return caf::none;
  if (auto err = version.sync_files(false)) return err;
  if (!lost) return version.marks->synced(version.marks->size());
  auto fresh = chunk_marks::create(path);
  if (!fresh) return std::move(fresh.error());
  for (std::size_t i = 0; i < version.have.size(); ++i)
    if (version.have[i])
      if (auto err = fresh->add(i)) return err;
  version.marks = std::move(*fresh);
  return version.marks->synced(version.marks->size());
}

}  // namespace tandem

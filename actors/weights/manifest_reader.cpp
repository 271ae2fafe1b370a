#include <sys/stat.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "actors/weights/file_bytes.hpp"
#include "actors/weights/weight_header.hpp"
#include "actors/weights/weight_manifest.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t chunks_wanted_max = 65'536;
constexpr unsigned threads_max = 64;

caf::error wrong(const std::string& what) {
  return make_error(errc::invalid_argument, what);
}

struct found_file {
  fs::path at;
  struct stat info = {};
};

caf::error look_at(const fs::path& path, struct stat& info) {
  if (::stat(path.c_str(), &info) != 0) return errno_error(path.string(), errc::invalid_argument);
  return caf::none;
}

/// Size and times of a file that nobody has written meanwhile stay the same.
bool is_same(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_dev == b.st_dev && a.st_size == b.st_size &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

/// All files below one folder.
class folder_walk {
 public:
  explicit folder_walk(const fs::path& root) : root_{root} {}

  caf::error run(weight_manifest& out, std::vector<found_file>& found) {
    std::error_code failure;
    canonical_ = fs::canonical(root_, failure);
    if (failure) return wrong(root_.string() + ": " + failure.message());
    std::vector<std::string> names;
    for (auto at = fs::recursive_directory_iterator(root_, failure);
         !failure && at != fs::recursive_directory_iterator{}; at.increment(failure)) {
      const auto kind = at->symlink_status(failure).type();
      if (failure) break;
      if (kind == fs::file_type::directory) continue;
      if (auto err = check(*at, kind)) return err;
      names.push_back(at->path().lexically_relative(root_).generic_string());
      if (names.size() > manifest_files_max)
        return wrong(root_.string() + ": more than " + std::to_string(manifest_files_max) +
                     " files");
    }
    if (failure) return wrong(root_.string() + ": " + failure.message());
    if (names.empty()) return wrong(root_.string() + ": an empty folder");
    std::sort(names.begin(), names.end());
    for (auto& name : names) {
      auto& file = found.emplace_back();
      file.at = root_ / name;
      if (auto err = look_at(file.at, file.info)) return err;
      out.files.push_back({std::move(name), static_cast<std::uint64_t>(file.info.st_size), {}});
    }
    return caf::none;
  }

 private:
  caf::error check(const fs::directory_entry& entry, fs::file_type kind) const {
    if (kind == fs::file_type::regular) return caf::none;
    const auto name = entry.path().string();
    if (kind != fs::file_type::symlink) return wrong(name + ": neither a file nor a folder");
    std::error_code failure;
    const auto target = fs::canonical(entry.path(), failure);
    if (failure) return wrong(name + ": a link to nothing");
    const auto [end, rest] =
        std::mismatch(canonical_.begin(), canonical_.end(), target.begin(), target.end());
    if (end != canonical_.end())
      return wrong(name + ": a link out of the folder, to " + target.string() +
                   "; copy the folder with cp -rL");
    if (!fs::is_regular_file(target, failure)) return wrong(name + ": a link to no file");
    return caf::none;
  }

  const fs::path& root_;
  fs::path canonical_;
};

/// Hashes the chunks of all files, by several threads that each take the next one.
class chunk_hasher {
 public:
  chunk_hasher(weight_manifest& manifest, const std::vector<found_file>& found,
               const std::atomic<bool>* stop)
      : manifest_{manifest}, found_{found}, stop_{stop} {}

  caf::error run(unsigned threads) {
    for (auto& file : manifest_.files)
      file.chunks.resize((file.bytes + manifest_.chunk_bytes - 1) / manifest_.chunk_bytes);
    count_ = manifest_.chunk_count();
    {
      std::vector<std::jthread> others;
      threads = std::clamp(threads, 1u, threads_max);
      for (unsigned i = 1; i < std::min<std::size_t>(threads, count_); ++i)
        others.emplace_back([this] { work(); });
      work();
    }
    if (failure_) return failure_;
    for (const auto& file : found_) {
      struct stat now = {};
      if (auto err = look_at(file.at, now)) return err;
      if (!is_same(now, file.info)) return wrong(file.at.string() + ": changed while it was read");
    }
    return caf::none;
  }

 private:
  void work() {
    std::vector<std::uint8_t> buffer;
    open_file file;
    std::size_t open = found_.size();
    for (auto chunk = next_++; chunk < count_ && !failed_; chunk = next_++) {
      if (stop_ != nullptr && stop_->load(std::memory_order_relaxed))
        return fail(make_error(errc::cancelled, "reading weights was stopped"));
      const auto at = manifest_.place(chunk);
      if (at.file != open) {
        auto opened = open_to_read(found_[at.file].at);
        if (!opened) return fail(std::move(opened.error()));
        file = std::move(*opened);
        open = at.file;
      }
      buffer.resize(at.bytes);
      if (auto err = read_at(file.get(), at.offset, buffer, found_[at.file].at.string()))
        return fail(wrong(message_of(err)));
      manifest_.files[at.file].chunks[at.offset / manifest_.chunk_bytes] =
          hash_of({reinterpret_cast<const char*>(buffer.data()), buffer.size()});
    }
  }

  void fail(caf::error why) {
    const std::lock_guard lock{mutex_};
    if (!failure_) failure_ = std::move(why);
    failed_ = true;
  }

  weight_manifest& manifest_;
  const std::vector<found_file>& found_;
  const std::atomic<bool>* stop_;
  std::size_t count_ = 0;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  caf::error failure_;
};

std::uint32_t fitting_chunk_bytes(const weight_manifest& manifest) {
  for (auto size = chunk_bytes_default; size < chunk_bytes_max; size *= 2) {
    std::uint64_t chunks = 0;
    for (const auto& file : manifest.files) chunks += file.bytes / size + 1;
    if (chunks <= chunks_wanted_max) return size;
  }
  return chunk_bytes_max;
}

caf::error find_files(const fs::path& path, weight_manifest& out, std::vector<found_file>& found) {
  struct stat info = {};
  if (auto err = look_at(path, info)) return err;
  if (S_ISDIR(info.st_mode)) {
    if (auto err = folder_walk{path}.run(out, found)) return err;
  } else if (S_ISREG(info.st_mode)) {
    // What a lone file is called where it comes from is not in it: the next version is called
    // otherwise, and is to be compared with this one.
    const auto* name = path.extension() == ".safetensors" ? "model.safetensors" : "model.gguf";
    out.files.push_back({name, static_cast<std::uint64_t>(info.st_size), {}});
    found.push_back({path, info});
  } else {
    return wrong(path.string() + ": neither a file nor a folder");
  }
  std::vector<std::string> names;
  for (const auto& file : out.files) names.push_back(file.path);
  auto facts = S_ISDIR(info.st_mode) ? read_facts(path, names) : read_facts(path);
  if (!facts) return std::move(facts.error());
  out.format = facts->format;
  out.architecture = std::move(facts->architecture);
  out.shapes = facts->shapes;
  out.parameters = facts->parameters;
  out.types = std::move(facts->types);
  return caf::none;
}

}  // namespace

caf::expected<weight_manifest> read_manifest(const fs::path& path, std::uint32_t chunk_bytes,
                                             unsigned threads, const std::atomic<bool>* stop) {
  if (chunk_bytes > chunk_bytes_max)
    return wrong("chunks of " + std::to_string(chunk_bytes) + " bytes; at most " +
                 std::to_string(chunk_bytes_max) + " are allowed");
  weight_manifest out;
  std::vector<found_file> found;
  if (auto err = find_files(path, out, found)) return err;
  out.chunk_bytes = chunk_bytes != 0 ? chunk_bytes : fitting_chunk_bytes(out);
  if (out.bytes() / out.chunk_bytes > manifest_bytes_max / sizeof(weight_hash))
    return wrong(path.string() + ": too large for chunks of " + std::to_string(out.chunk_bytes) +
                 " bytes");
  if (auto err = chunk_hasher{out, found, stop}.run(threads)) return err;
  // What cannot be read back by others (names that are no UTF-8, say) is refused here.
  auto checked = decode_manifest(encode(out));
  if (!checked) return wrong(path.string() + ": " + message_of(checked.error()));
  return checked;
}

}  // namespace tandem

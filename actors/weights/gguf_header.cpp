#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "actors/weights/file_bytes.hpp"
#include "actors/weights/weight_header.hpp"

static_assert(std::endian::native == std::endian::little, "GGUF files are read as they lie");

namespace tandem {
namespace {

constexpr std::uint64_t name_bytes_max = 65'535;
constexpr std::uint64_t metadata_entries_max = 65'536;
constexpr std::uint64_t alignment_max = 65'536;
constexpr std::uint64_t elements_max = std::uint64_t{1} << 48;

enum value_type : std::uint32_t { value_u32 = 4, value_string = 8, value_array = 9 };
/// Bytes of each metadata type; of a string its length; arrays by their elements.
constexpr std::uint64_t value_sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 0, 8, 8, 8};

struct element_type {
  std::uint32_t number;
  const char* name;
  /// A block of so many elements takes so many bytes.
  std::uint32_t elements, bytes;
};

constexpr element_type element_types[] = {
    {0, "F32", 1, 4},         {1, "F16", 1, 2},         {2, "Q4_0", 32, 18},
    {3, "Q4_1", 32, 20},      {6, "Q5_0", 32, 22},      {7, "Q5_1", 32, 24},
    {8, "Q8_0", 32, 34},      {9, "Q8_1", 32, 36},      {10, "Q2_K", 256, 84},
    {11, "Q3_K", 256, 110},   {12, "Q4_K", 256, 144},   {13, "Q5_K", 256, 176},
    {14, "Q6_K", 256, 210},   {15, "Q8_K", 256, 292},   {16, "IQ2_XXS", 256, 66},
    {17, "IQ2_XS", 256, 74},  {18, "IQ3_XXS", 256, 98}, {19, "IQ1_S", 256, 50},
    {20, "IQ4_NL", 32, 18},   {21, "IQ3_S", 256, 110},  {22, "IQ2_S", 256, 82},
    {23, "IQ4_XS", 256, 136}, {24, "I8", 1, 1},         {25, "I16", 1, 2},
    {26, "I32", 1, 4},        {27, "I64", 1, 8},        {28, "F64", 1, 8},
    {29, "IQ1_M", 256, 56},   {30, "BF16", 1, 2},       {34, "TQ1_0", 256, 54},
    {35, "TQ2_0", 256, 66},   {39, "MXFP4", 32, 17},
};

/// Walks the header through a window on the file. The first thing that is wrong stays; what is read
/// after it is zero.
class gguf_walk {
 public:
  gguf_walk(const open_file& file, std::uint64_t size, std::string name)
      : file_{&file}, size_{size}, name_{std::move(name)}, window_(64 * 1024) {}

  [[nodiscard]] const caf::error& error() const { return error_; }
  [[nodiscard]] bool failed() const { return static_cast<bool>(error_); }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }

  void fail(const std::string& what) {
    if (failed()) return;
    error_ = make_error(errc::invalid_argument,
                        name_ + ": at byte " + std::to_string(offset_) + ": " + what);
  }

  void skip(std::uint64_t bytes, const char* what) {
    if (failed()) return;
    if (bytes > size_ - offset_) {
      return fail("truncated: " + std::string(what) + " takes " + std::to_string(bytes) +
                  " bytes, " + std::to_string(bytes - (size_ - offset_)) +
                  " more than there are; copy the file again");
    }
    if (bytes > gguf_header_bytes_max - offset_) return fail("a header of more than 256 MiB");
    offset_ += bytes;
  }

  template <class T>
  T number(const char* what) {
    T out{};
    take(&out, sizeof(T), what);
    return out;
  }

  std::string string(std::uint64_t bytes_max, const char* what) {
    const auto size = number<std::uint64_t>(what);
    if (size > bytes_max)
      fail(std::string(what) + " has " + std::to_string(size) + " bytes; at most " +
           std::to_string(bytes_max) + " are allowed");
    std::string out;
    if (failed()) return out;
    out.resize(size);
    take(out.data(), size, what);
    return failed() ? std::string{} : out;
  }

 private:
  void take(void* to, std::uint64_t bytes, const char* what) {
    const auto from = offset_;
    skip(bytes, what);
    if (failed() || bytes == 0) return;
    if (from < window_begin_ || from + bytes > window_begin_ + window_bytes_) {
      if (window_.size() < bytes) window_.resize(bytes);
      window_begin_ = from;
      window_bytes_ = std::min<std::uint64_t>(window_.size(), size_ - from);
      error_ = read_at(file_->get(), from, std::span{window_}.first(window_bytes_), name_);
      if (failed()) return;
    }
    std::memcpy(to, window_.data() + (from - window_begin_), bytes);
  }

  const open_file* file_;
  std::uint64_t size_;
  std::string name_;
  std::vector<std::uint8_t> window_;
  std::uint64_t window_begin_ = 0, window_bytes_ = 0, offset_ = 0;
  caf::error error_;
};

void skip_array(gguf_walk& in) {
  const auto type = in.number<std::uint32_t>("an array's type");
  const auto count = in.number<std::uint64_t>("an array's length");
  if (type >= std::size(value_sizes) || type == value_array)
    return in.fail("an array of type " + std::to_string(type) + " is not supported");
  if (count > gguf_header_bytes_max / value_sizes[type])
    return in.fail("an array of " + std::to_string(count) + " elements");
  if (type != value_string) return in.skip(count * value_sizes[type], "an array");
  for (std::uint64_t i = 0; i < count && !in.failed(); ++i)
    in.skip(in.number<std::uint64_t>("an array's string"), "an array's string");
}

struct gguf_values {
  std::string architecture;
  std::uint64_t alignment = 32;
};

void read_value(gguf_walk& in, gguf_values& out) {
  const auto key = in.string(name_bytes_max, "a metadata key");
  const auto type = in.number<std::uint32_t>("a value type");
  if (in.failed()) return;
  if (type >= std::size(value_sizes))
    return in.fail("the value of " + quoted_name(key) + " has the unknown type " +
                   std::to_string(type));
  if (key == "general.architecture") {
    if (type != value_string) return in.fail("general.architecture is not text");
    out.architecture = in.string(256, "general.architecture");
    if (auto why = why_no_text(out.architecture, 256); !why.empty())
      in.fail("general.architecture " + why);
  } else if (key == "general.alignment") {
    if (type != value_u32) return in.fail("general.alignment is not a 32-bit number");
    out.alignment = in.number<std::uint32_t>("general.alignment");
    if (!std::has_single_bit(out.alignment) || out.alignment > alignment_max)
      in.fail("general.alignment is " + std::to_string(out.alignment) +
              "; a power of two up to 65536 is allowed");
  } else if (type == value_array) {
    skip_array(in);
  } else if (type == value_string) {
    in.skip(in.number<std::uint64_t>("a string's length"), "a string");
  } else {
    in.skip(value_sizes[type], "a value");
  }
}

/// Where a tensor ends, counted from the start of the tensor data.
std::uint64_t read_tensor(gguf_walk& in, header_tensor& out, std::uint64_t alignment) {
  out.name = in.string(name_bytes_max, "a tensor's name");
  const auto dims = in.number<std::uint32_t>("a tensor's number of dimensions");
  const auto wrong = [&](const std::string& what) {
    in.fail("tensor " + quoted_name(out.name) + ' ' + what);
    return std::uint64_t{0};
  };
  if (dims > 8) return wrong("has " + std::to_string(dims) + " dimensions; at most 8 are allowed");
  out.elements = 1;
  for (std::uint32_t i = 0; i < dims; ++i) {
    const auto dim = in.number<std::uint64_t>("a tensor's dimension");
    if (in.failed()) return 0;
    if (dim == 0 || dim > elements_max / out.elements) return wrong("has impossible dimensions");
    out.elements *= dim;
    out.shape.push_back(dim);
  }
  const auto number = in.number<std::uint32_t>("a tensor's type");
  const auto offset = in.number<std::uint64_t>("a tensor's offset");
  if (offset % alignment != 0 || offset > elements_max * 8)
    return wrong("begins at offset " + std::to_string(offset) + ", no multiple of the alignment " +
                 std::to_string(alignment) + " or beyond any disk");
  const auto* type = std::find_if(std::begin(element_types), std::end(element_types),
                                  [&](const auto& known) { return known.number == number; });
  if (type == std::end(element_types)) {
    out.type = "type " + std::to_string(number);
    return offset + 1;
  }
  out.type = type->name;
  const auto row = out.shape.empty() ? 1 : out.shape.front();
  if (row % type->elements != 0)
    return wrong("is of type " + out.type + ", but its rows of " + std::to_string(row) +
                 " are no multiple of " + std::to_string(type->elements));
  return offset + out.elements / type->elements * type->bytes;
}

weight_header read_all(gguf_walk& in, std::uint64_t& end) {
  weight_header out;
  if (in.number<std::uint32_t>("the magic number") != 0x46554747)
    in.fail("not a GGUF file: it does not begin with 'GGUF'");
  const auto version = in.number<std::uint32_t>("the format version");
  if (version != 2 && version != 3)
    in.fail("GGUF version " + std::to_string(version) + " is not supported; 2 and 3 are");
  const auto tensors = in.number<std::uint64_t>("the number of tensors");
  const auto values = in.number<std::uint64_t>("the number of metadata entries");
  if (tensors > header_tensors_max || values > metadata_entries_max)
    in.fail("it claims " + std::to_string(tensors) + " tensors and " + std::to_string(values) +
            " metadata entries");
  gguf_values facts;
  for (std::uint64_t i = 0; i < values && !in.failed(); ++i) read_value(in, facts);
  std::uint64_t data_bytes = 0;
  for (std::uint64_t i = 0; i < tensors && !in.failed(); ++i)
    data_bytes = std::max(data_bytes, read_tensor(in, out.tensors.emplace_back(), facts.alignment));
  out.architecture = std::move(facts.architecture);
  const auto data_begin = (in.offset() + facts.alignment - 1) / facts.alignment * facts.alignment;
  end = tensors == 0 ? in.offset() : data_begin + data_bytes;
  return out;
}

}  // namespace

caf::expected<weight_header> read_gguf_header(const std::filesystem::path& path) {
  const auto file = open_to_read(path);
  if (!file) return file.error();
  struct stat info = {};
  if (::fstat(file->get(), &info) != 0) return errno_error(path.string());
  const auto size = static_cast<std::uint64_t>(info.st_size);
  gguf_walk in{*file, size, path.string()};
  std::uint64_t end = 0;
  auto out = read_all(in, end);
  if (in.failed()) return in.error();
  if (end > size) {
    return make_error(errc::invalid_argument,
                      path.string() + ": truncated: its tensors end at byte " +
                          std::to_string(end) + ", but " + std::to_string(end - size) +
                          " bytes are missing; copy the file again");
  }
  return out;
}

}  // namespace tandem

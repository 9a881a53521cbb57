#include "library.h"

#ifndef _WIN32
#include <dlfcn.h>
#endif

#include "../failure.h"

namespace nabla::mpi {

namespace {

constexpr const char* kCode = "ERR_NABLA_DISTRIBUTED";

#ifndef _WIN32

/** Room for what either library says of itself, and of an error. */
constexpr int kLongestVersion = 8192;
constexpr int kLongestError = 512;
constexpr int kThreadMultiple = 3;

template <typename T>
T symbol(void* library, const char* name) {
  void* found = dlsym(library, name);
  if (found == nullptr) throw Failure(kCode, std::string("the MPI library has no ") + name);
  return reinterpret_cast<T>(found);
}

/** Handles of OpenMPI are addresses of what it exports. */
struct OpenMpi {
  using Handle = void*;
  static Handle& of(Request& request) { return request.address; }
  static void* in_place() { return reinterpret_cast<void*>(1); }
  static void* no_status() { return nullptr; }

  explicit OpenMpi(void* library)
      : world(symbol<void*>(library, "ompi_mpi_comm_world")),
        byte(symbol<void*>(library, "ompi_mpi_byte")),
        float32(symbol<void*>(library, "ompi_mpi_float")),
        float64(symbol<void*>(library, "ompi_mpi_double")),
        int32(symbol<void*>(library, "ompi_mpi_int")),
        sum(symbol<void*>(library, "ompi_mpi_op_sum")),
        errors_return(symbol<void*>(library, "ompi_mpi_errors_return")) {}

  Handle world, byte, float32, float64, int32, sum, errors_return;
};

/** Handles of MPICH, and of those that keep its binary interface, are numbers. */
struct Mpich {
  using Handle = int;
  static Handle& of(Request& request) { return request.number; }
  static void* in_place() { return reinterpret_cast<void*>(-1); }
  static void* no_status() { return reinterpret_cast<void*>(1); }

  explicit Mpich(void*) {}

  Handle world = 0x44000000, byte = 0x4c00010d, float32 = 0x4c00040a, float64 = 0x4c00080b, int32 = 0x4c000405,
         sum = 0x58000003, errors_return = 0x54000001;
};

template <typename Abi>
class Opened final : public Library {
  using Handle = typename Abi::Handle;

 public:
  explicit Opened(void* library) : abi_(library), library_(library) {
    function(send_, "MPI_Isend");
    function(receive_, "MPI_Irecv");
    function(sum_, "MPI_Iallreduce");
    function(test_, "MPI_Test");
    function(abort_, "MPI_Abort");
    function(finalize_, "MPI_Finalize");
    function(error_string_, "MPI_Error_string");
    begin();
  }

  Request send(int channel, const void* from, int64_t bytes, int to) override {
    Request request;
    require(send_(from, static_cast<int>(bytes), abi_.byte, to, 0, channels_[channel], &Abi::of(request)));
    return request;
  }

  Request receive(int channel, void* to, int64_t bytes, int from) override {
    Request request;
    require(receive_(to, static_cast<int>(bytes), abi_.byte, from, 0, channels_[channel], &Abi::of(request)));
    return request;
  }

  Request sum(int channel, void* data, int64_t count, DType dtype) override {
    Request request;
    require(sum_(Abi::in_place(), data, static_cast<int>(count), type(dtype), abi_.sum, channels_[channel],
                 &Abi::of(request)));
    return request;
  }

  bool test(Request& request) override {
    int done = 0;
    require(test_(&Abi::of(request), &done, Abi::no_status()));
    return done != 0;
  }

  void abort(int code) override { abort_(abi_.world, code); }
  void finalize() override { require(finalize_()); }

 private:
  template <typename F>
  void function(F*& to, const char* name) const {
    to = symbol<F*>(library_, name);
  }

  void require(int status) const {
    if (status == 0) return;
    char text[kLongestError] = "";
    int length = 0;
    error_string_(status, text, &length);
    throw Failure(kCode, "MPI says: " + std::string(text, length));
  }

  Handle type(DType dtype) const {
    switch (dtype) {
      case DType::kFloat32:
        return abi_.float32;
      case DType::kFloat64:
        return abi_.float64;
      case DType::kInt32:
        return abi_.int32;
      case DType::kBool:
        return abi_.byte;
    }
    return abi_.byte;
  }

  void begin() {
    int (*initialize)(int*, char***, int, int*);
    int (*rank_of)(Handle, int*);
    int (*size_of)(Handle, int*);
    int (*duplicate)(Handle, Handle*);
    int (*handle_errors)(Handle, Handle);
    function(initialize, "MPI_Init_thread");
    function(rank_of, "MPI_Comm_rank");
    function(size_of, "MPI_Comm_size");
    function(duplicate, "MPI_Comm_dup");
    function(handle_errors, "MPI_Comm_set_errhandler");
    int threads = 0;
    require(initialize(nullptr, nullptr, kThreadMultiple, &threads));
    if (threads != kThreadMultiple) throw Failure(kCode, "the MPI library cannot be called from several threads");
    require(handle_errors(abi_.world, abi_.errors_return));
    require(rank_of(abi_.world, &rank));
    require(size_of(abi_.world, &size));
    for (Handle& channel : channels_) {
      require(duplicate(abi_.world, &channel));
      require(handle_errors(channel, abi_.errors_return));
    }
  }

  Abi abi_;
  void* library_;
  Handle channels_[kChannels];
  int (*send_)(const void*, int, Handle, int, int, Handle, Handle*);
  int (*receive_)(void*, int, Handle, int, int, Handle, Handle*);
  int (*sum_)(const void*, void*, int, Handle, Handle, Handle, Handle*);
  int (*test_)(Handle*, int*, void*);
  int (*abort_)(Handle, int);
  int (*finalize_)();
  int (*error_string_)(int, char*, int*);
};

std::string version_of(void* library) {
  const auto ask = symbol<int (*)(char*, int*)>(library, "MPI_Get_library_version");
  std::string text(kLongestVersion, '\0');
  int length = 0;
  ask(text.data(), &length);
  text.resize(length);
  return text.substr(0, text.find_first_of("\n\r"));
}

std::unique_ptr<Library> begin(void* library) {
  const std::string version = version_of(library);
  const auto says = [&version](const char* name) { return version.find(name) != std::string::npos; };
  std::unique_ptr<Library> opened;
  if (says("Open MPI")) {
    opened = std::make_unique<Opened<OpenMpi>>(library);
  } else if (says("MPICH") || says("Intel") || says("MVAPICH")) {
    opened = std::make_unique<Opened<Mpich>>(library);
  } else {
    throw Failure(kCode, "the MPI library is neither OpenMPI nor one of MPICH's kind: " + version);
  }
  opened->version = version;
  return opened;
}

#endif

}  // namespace

#ifdef _WIN32

std::unique_ptr<Library> open(const std::vector<std::string>&) {
  throw Failure(kCode, "several ranks are not supported on Windows: use Linux or macOS, or Linux in WSL");
}

#else

std::unique_ptr<Library> open(const std::vector<std::string>& files) {
  std::string tried;
  for (const std::string& file : files) {
    // Global, because the plugins of OpenMPI look for its symbols there.
    void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL);
    if (library != nullptr) return begin(library);
    tried += (tried.empty() ? "" : "; ") + std::string(dlerror());
  }
  throw Failure(kCode, "no MPI library could be opened (" + tried + ")");
}

#endif

}  // namespace nabla::mpi

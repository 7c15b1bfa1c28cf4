// Dense and convolutional projections of rate neurons, written by hand as plain loops.
//
// The arithmetic is that of benchmarks/projections.py, which holds the generated code against it
// and checks that both end with the same numbers. REAL is the type of all numbers.
//
// Usage, with binary files of REALs:
//   projections network STEPS REPLICAS BACKWARD GIVEN RESULT SIZE SIZE...
//     A chain of layers. BACKWARD is 1 if errors are sent to the layer below, else 0.
//     Given: the weights of every projection, the inputs, the targets. Result: the weights.
//   projections forward|backward|learning STEPS REPLICAS GIVEN RESULT WIDTH IN_C KERNEL OUT_C
//     One operation of a convolution over a plane of WIDTH times WIDTH neurons, channel-last.
//     Given: the kernel, the inputs, the errors. Result: the sums to the outputs, those to the
//     inputs, or the kernel.
//   projections stream STEPS SIZE
//     Reads and writes SIZE numbers in every step: what learning takes at least.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

typedef REAL real;
typedef std::vector<real> Array;

const real dt = 1e-4, tau = 1e-3;  // seconds
const real learning_rate = 0.05;   // per step, for a neuron that all of its sources drive with 1

// ---- The three plain passes over the weights w[i*Q + j] of one projection ----

// Sums to the Q postsynaptic neurons.
void forward(int P, int Q, const real *w, const real *r, real *I) {
    std::fill(I, I + Q, 0);
    for (int i = 0; i < P; i++)
        for (int j = 0; j < Q; j++)
            I[j] += w[i * Q + j] * r[i];
}

// Sums to the P presynaptic neurons.
void backward(int P, int Q, const real *w, const real *err, real *back) {
    for (int i = 0; i < P; i++) {
        real sum = 0;
        for (int j = 0; j < Q; j++)
            sum += w[i * Q + j] * err[j];
        back[i] = sum;
    }
}

void learn(int P, int Q, real *w, const real *err, const real *r, real rate) {
    for (int i = 0; i < P; i++)
        for (int j = 0; j < Q; j++)
            w[i * Q + j] += rate * err[j] * r[i];
}

// ---- A chain of layers ----

// All replicas of one population; neuron n of replica b has the index b*N + n.
struct Layer {
    int N;
    Array r, I, back, err, target;
    real beta;  // strength of the targets

    Layer(int N, int B)
        : N(N), r(N * B), I(N * B), back(N * B), err(N * B), target(N * B), beta(0) {}

    void compare() {
        for (size_t n = 0; n < r.size(); n++)
            err[n] = back[n] + beta * (target[n] - r[n]);
    }

    void step() {
        for (size_t n = 0; n < r.size(); n++)
            r[n] += dt * (I[n] - r[n]) / tau;
    }
};

struct Chain {
    int B;
    bool sends_errors;
    std::vector<Layer> layers;
    std::vector<Array> w;

    Chain(int B, bool sends_errors, const std::vector<int> &sizes)
        : B(B), sends_errors(sends_errors) {
        for (size_t k = 0; k < sizes.size(); k++)
            layers.push_back(Layer(sizes[k], B));
        for (size_t k = 1; k < sizes.size(); k++)
            w.push_back(Array((size_t)sizes[k - 1] * sizes[k]));
        layers.back().beta = 1;
    }

    // All sums read the rates and errors of before; weights follow after the neurons.
    void step() {
        for (size_t k = 1; k < layers.size(); k++)
            layers[k].compare();
        for (size_t k = 0; k < w.size(); k++) {
            Layer &pre = layers[k], &post = layers[k + 1];
            for (int b = 0; b < B; b++) {
                forward(pre.N, post.N, w[k].data(), &pre.r[b * pre.N], &post.I[b * post.N]);
                if (sends_errors)
                    backward(pre.N, post.N, w[k].data(), &post.err[b * post.N],
                             &pre.back[b * pre.N]);
            }
        }
        for (size_t k = 1; k < layers.size(); k++)
            layers[k].step();
        for (size_t k = 0; k < w.size(); k++) {
            Layer &pre = layers[k], &post = layers[k + 1];
            for (int b = 0; b < B; b++)
                learn(pre.N, post.N, w[k].data(), &post.err[b * post.N], &pre.r[b * pre.N],
                      learning_rate / pre.N / B);
        }
    }
};

// ---- One convolution: kernel w[ky][kx][ci][co], no padding ----

struct Convolution {
    int B, X, C, K, D, Y;  // replicas, input width and channels, kernel, output channels and width
    Array w, r, err, I, back;

    Convolution(int B, int X, int C, int K, int D)
        : B(B), X(X), C(C), K(K), D(D), Y(X - K + 1), w(K * K * C * D), r(B * X * X * C),
          err(B * Y * Y * D), I(err.size()), back(r.size()) {}

    // Call a function for every element of the kernel at every position, with the first indices
    // of the output channels, of the input channel and of the weights.
    template <typename Function>
    void everywhere(Function function) {
        for (int b = 0; b < B; b++)
            for (int y = 0; y < Y; y++)
                for (int x = 0; x < Y; x++)
                    for (int ky = 0; ky < K; ky++)
                        for (int kx = 0; kx < K; kx++)
                            for (int c = 0; c < C; c++)
                                function(((b * Y + y) * Y + x) * D,
                                         ((b * X + y + ky) * X + x + kx) * C + c,
                                         ((ky * K + kx) * C + c) * D);
    }

    void forward() {
        std::fill(I.begin(), I.end(), 0);
        everywhere([&](int out, int in, int k) {
            for (int d = 0; d < D; d++)
                I[out + d] += w[k + d] * r[in];
        });
    }

    void backward() {
        std::fill(back.begin(), back.end(), 0);
        everywhere([&](int out, int in, int k) {
            real sum = 0;
            for (int d = 0; d < D; d++)
                sum += w[k + d] * err[out + d];
            back[in] += sum;
        });
    }

    void learn() {
        const real rate = learning_rate / (Y * Y) / B;
        everywhere([&](int out, int in, int k) {
            for (int d = 0; d < D; d++)
                w[k + d] += rate * err[out + d] * r[in];
        });
    }
};

// ---- The commands ----

void read(FILE *file, Array &array) {
    if (std::fread(array.data(), sizeof(real), array.size(), file) != array.size())
        std::exit(1);
}

void write(const char *name, const std::vector<Array> &arrays) {
    FILE *file = std::fopen(name, "wb");
    for (size_t k = 0; k < arrays.size(); k++)
        std::fwrite(arrays[k].data(), sizeof(real), arrays[k].size(), file);
    std::fclose(file);
}

void run_network(long steps, char **arguments, int count) {
    std::vector<int> sizes;
    for (int k = 4; k < count; k++)
        sizes.push_back(std::atoi(arguments[k]));
    Chain chain(std::atoi(arguments[0]), std::atoi(arguments[1]), sizes);
    FILE *given = std::fopen(arguments[2], "rb");
    for (size_t k = 0; k < chain.w.size(); k++)
        read(given, chain.w[k]);
    read(given, chain.layers.front().r);
    read(given, chain.layers.back().target);
    std::fclose(given);
    for (long t = 0; t < steps; t++)
        chain.step();
    write(arguments[3], chain.w);
}

void run_convolution(const char *operation, long steps, char **arguments) {
    Convolution conv(std::atoi(arguments[0]), std::atoi(arguments[3]), std::atoi(arguments[4]),
                     std::atoi(arguments[5]), std::atoi(arguments[6]));
    FILE *given = std::fopen(arguments[1], "rb");
    read(given, conv.w);
    read(given, conv.r);
    read(given, conv.err);
    std::fclose(given);
    Array *result = &conv.w;
    for (long t = 0; t < steps; t++)
        if (!std::strcmp(operation, "forward"))
            conv.forward(), result = &conv.I;
        else if (!std::strcmp(operation, "backward"))
            conv.backward(), result = &conv.back;
        else
            conv.learn();
    write(arguments[2], std::vector<Array>(1, *result));
}

// Not inlined: the compiler would do all steps for one number before it takes the next one.
__attribute__((noinline)) void scale(Array &w, real factor) {
    for (size_t k = 0; k < w.size(); k++)
        w[k] *= factor;
}

void run_stream(long steps, size_t size) {
    Array w(size, 1);
    for (long t = 0; t < steps; t++)
        scale(w, t % 2 ? 0.9999999 : 1.0000001);
    if (w[size / 2] == 0)  // so that the result is used
        std::exit(1);
}

int main(int count, char **arguments) {
    if (count < 4)
        return 1;
    const char *command = arguments[1];
    const long steps = std::atol(arguments[2]);
    if (!std::strcmp(command, "stream"))
        run_stream(steps, std::atol(arguments[3]));
    else if (!std::strcmp(command, "network") && count >= 9)
        run_network(steps, arguments + 3, count - 3);
    else if (count == 10)
        run_convolution(command, steps, arguments + 3);
    else
        return 1;
}

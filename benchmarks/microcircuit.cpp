// The 9-30-3 microcircuit of Latent Equilibrium in the bars task, written by hand.
//
// The arithmetic is that of brian_le.models.Microcircuit(prospective=True): every presentation
// is nudged and every step learns. It is what benchmarks/microcircuit.py holds the generated
// code against; that script also checks that both end with the same numbers, so a constant that
// differs here does not pass unnoticed.
//
// Usage: microcircuit n_steps < task > state, all binary. The task is the initial weights, the
// patterns, their targets, and the order of the patterns (32-bit integers); the state is the
// weights and the potentials of hidden neurons, interneurons and outputs.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

const int N_INPUTS = 9, N_HIDDEN = 30, N_OUTPUTS = 3, N_PATTERNS = 8;
const long STEPS_PER_PRESENTATION = 100;
const double dt = 0.1;                                                       // ms
const double g_l = 0.03, g_b = 0.1, g_a = 0.06, g_d = 0.1, g_som = 0.06;     // 1/ms
const double eta_up = 0.05, eta_out = 0.01, eta_ip = 0.02;                   // 1/ms
const double w_max_hidden = 4, w_max_output = 5, no_limit = INFINITY;

inline double softplus(double x) {
    return std::log(1 + std::exp(-std::fabs(x))) + std::max(x, 0.0);
}

template <int N>
struct Population {
    double u[N], u_prosp[N], r[N], r_sent[N], err[N];

    Population() : u(), u_prosp(), r_sent(), err() { std::fill_n(r, N, softplus(0)); }

    // Membrane, look-ahead, rate, and the difference of the rate from its dendritic prediction.
    void step(const double (&v_ss)[N], const double (&v_pred)[N], double tau_m) {
        for (int i = 0; i < N; i++) {
            const double du = (v_ss[i] - u[i]) / tau_m;
            u_prosp[i] = u[i] + tau_m * du;
            u[i] += dt * du;
            r_sent[i] = r[i];
            r[i] = softplus(u_prosp[i]);
            err[i] = r[i] - softplus(v_pred[i]);
        }
    }
};

template <int POST, int PRE>
void add_sum(double (&v)[POST], const double (&w)[POST][PRE], const double (&r)[PRE]) {
    for (int i = 0; i < POST; i++)
        for (int j = 0; j < PRE; j++) v[i] += w[i][j] * r[j];
}

template <int POST, int PRE>
void learn(double (&w)[POST][PRE], double eta, const double (&err)[POST], const double (&r)[PRE],
           double w_max) {
    for (int i = 0; i < POST; i++)
        for (int j = 0; j < PRE; j++)
            w[i][j] = std::min(std::max(w[i][j] + dt * eta * err[i] * r[j], -w_max), w_max);
}

struct Weights {
    double up0[N_HIDDEN][N_INPUTS], down[N_HIDDEN][N_OUTPUTS], pi[N_HIDDEN][N_OUTPUTS],
        ip[N_OUTPUTS][N_HIDDEN], up1[N_OUTPUTS][N_HIDDEN];
};

struct Microcircuit {
    Weights w;
    Population<N_HIDDEN> hidden;
    Population<N_OUTPUTS> inter, output;

    // All sums read the rates of the step before; weights change after all neurons have stepped.
    void step(const double (&r_in)[N_INPUTS], const double (&target)[N_OUTPUTS]) {
        const double g_hidden = g_l + g_b + g_a, g_inter = g_l + g_d + g_som,
                     g_output = g_l + g_b + g_som;
        double v_bas[N_HIDDEN] = {}, v_api[N_HIDDEN] = {}, v_den[N_OUTPUTS] = {},
               v_out[N_OUTPUTS] = {};
        add_sum(v_bas, w.up0, r_in);
        add_sum(v_api, w.down, output.r);
        add_sum(v_api, w.pi, inter.r);
        add_sum(v_den, w.ip, hidden.r);
        add_sum(v_out, w.up1, hidden.r);

        double v_ss[N_HIDDEN], v_pred[N_HIDDEN];
        for (int i = 0; i < N_HIDDEN; i++) {
            v_ss[i] = (g_b * v_bas[i] + g_a * v_api[i]) / g_hidden;
            v_pred[i] = g_b / g_hidden * v_bas[i];
        }
        double inter_ss[N_OUTPUTS], inter_pred[N_OUTPUTS], output_ss[N_OUTPUTS],
            output_pred[N_OUTPUTS];
        for (int i = 0; i < N_OUTPUTS; i++) {
            inter_ss[i] = (g_d * v_den[i] + g_som * output.u_prosp[i]) / g_inter;
            inter_pred[i] = g_d / (g_l + g_d) * v_den[i];
            output_ss[i] = (g_b * v_out[i] + g_som * target[i]) / g_output;
            output_pred[i] = g_b / (g_l + g_b) * v_out[i];
        }
        hidden.step(v_ss, v_pred, 1 / g_hidden);
        inter.step(inter_ss, inter_pred, 1 / g_inter);
        output.step(output_ss, output_pred, 1 / g_output);

        learn(w.up0, eta_up, hidden.err, r_in, w_max_hidden);
        learn(w.up1, eta_out, output.err, hidden.r_sent, w_max_output);
        learn(w.ip, eta_ip, inter.err, hidden.r_sent, no_limit);
    }
};

int main(int count, char **arguments) {
    if (count != 2) return 1;
    const long n_steps = std::atol(arguments[1]);
    Microcircuit circuit;
    double images[N_PATTERNS][N_INPUTS], targets[N_PATTERNS][N_OUTPUTS];
    std::vector<int32_t> order((n_steps - 1) / STEPS_PER_PRESENTATION + 1);
    if (std::fread(&circuit.w, sizeof circuit.w, 1, stdin) != 1
        || std::fread(images, sizeof images, 1, stdin) != 1
        || std::fread(targets, sizeof targets, 1, stdin) != 1
        || std::fread(order.data(), sizeof order[0], order.size(), stdin) != order.size())
        return 1;

    // With look-ahead the targets arrive one step late; the first one is 0.
    double target[N_OUTPUTS] = {};
    for (long t = 0; t < n_steps; t++) {
        const int pattern = order[t / STEPS_PER_PRESENTATION];
        circuit.step(images[pattern], target);
        std::copy_n(targets[pattern], N_OUTPUTS, target);
    }

    std::fwrite(&circuit.w, sizeof circuit.w, 1, stdout);
    std::fwrite(circuit.hidden.u, sizeof circuit.hidden.u, 1, stdout);
    std::fwrite(circuit.inter.u, sizeof circuit.inter.u, 1, stdout);
    std::fwrite(circuit.output.u, sizeof circuit.output.u, 1, stdout);
}

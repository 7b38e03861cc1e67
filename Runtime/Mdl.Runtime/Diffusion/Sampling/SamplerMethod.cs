namespace Mdl.Runtime.Diffusion.Sampling;

/// <summary>How a step goes from sigma to the next sigma. Formulas are in EDM coordinates, h = log(sigma / next).</summary>
public enum SamplerMethod
{
    /// <summary>First order in either variable: DDIM, DPM-Solver++(1), rectified flow; with eta 1 DDPM and Euler ancestral.</summary>
    Euler,

    /// <summary>Heun's method in sigma: Karras et al. (2206.00364), algorithm 2. Two evaluations a step.</summary>
    Heun,

    /// <summary>The slope at the logarithmic midpoint: DPM-Solver-2. Two evaluations a step.</summary>
    Midpoint,

    /// <summary>DPM-Solver++(2S) (2211.01095, algorithm 1). Two evaluations a step.</summary>
    Singlestep,

    /// <summary>DPM-Solver++(2M), or (3M) with order 3; with eta its stochastic forms.</summary>
    Multistep,

    /// <summary>DPM-Solver++ SDE, with ancestral noise at the midpoint too. Two evaluations a step.</summary>
    StochasticSinglestep,

    /// <summary>Linear multistep (Adams-Bashforth) in sigma, of order 1 to 4.</summary>
    LinearMultistep,

    /// <summary>The reverse-diffusion predictor, Euler-Maruyama on the reverse equation of the variance-exploding process.</summary>
    EulerMaruyama,

    /// <summary>All noise anew: next = D + next sigma z. Latent consistency models, and the stochastic step of flows.</summary>
    Renoise,
}

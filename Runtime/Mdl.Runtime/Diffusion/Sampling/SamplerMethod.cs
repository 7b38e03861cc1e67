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

    /// <summary>DEIS, tAB form (Zhang and Chen, 2204.13902): linear multistep with slopes interpolated in log sigma, of order 1 to 4.</summary>
    LogMultistep,

    /// <summary>Pseudo linear multistep of PNDM (2202.09778) with lower orders at the start ("skip_prk"); order 2 on grids of unequal steps.</summary>
    Plms,

    /// <summary>The same with three steps of Runge and Kutta at the start, of four evaluations each.</summary>
    Pndm,

    /// <summary>UniPC (2302.04867), bh2, of order 1 to 3: each step is corrected with the evaluation that the next one begins with.</summary>
    UniPc,

    /// <summary>DPM-Solver-12 or -23 (2206.00927) with steps of its own between the first and the last sigma, to a tolerance.</summary>
    Adaptive,
}

namespace Mdl.Runtime.Training;

/// <summary>Mean losses over a batch, in nats per token.</summary>
/// <param name="Loss">What is minimised: all parts with their weights.</param>
/// <param name="Nll">Negative log-likelihood of the next token.</param>
/// <param name="MtpNll">Negative log-likelihood of the multi-token predictions; 0 for a model without.</param>
/// <param name="Aux">Auxiliary losses of routers.</param>
public readonly record struct Losses(double Loss, double Nll, double MtpNll, double Aux);

/// <summary>What one training step did.</summary>
/// <param name="Step">Its number, counted from 1.</param>
/// <param name="Losses">The losses before the update.</param>
/// <param name="GradientNorm">The global norm of the gradient before clipping.</param>
/// <param name="LearningRate">The rate of the update.</param>
public readonly record struct StepResult(long Step, Losses Losses, double GradientNorm, double LearningRate)
{
    /// <summary>What is minimised.</summary>
    public double Loss => Losses.Loss;

    /// <summary>Negative log-likelihood of the next token.</summary>
    public double Nll => Losses.Nll;

    /// <summary>Negative log-likelihood of the multi-token predictions.</summary>
    public double MtpNll => Losses.MtpNll;

    /// <summary>Auxiliary losses of routers.</summary>
    public double Aux => Losses.Aux;
}

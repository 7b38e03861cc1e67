using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Profiling;

/// <summary>The part of a program that a launch belongs to.</summary>
public enum LaunchPhase
{
    /// <summary>Losses or logits.</summary>
    Forward,

    /// <summary>Gradients.</summary>
    Backward,

    /// <summary>What a trainer does around the program: clipping, the update of the weights, losses for the caller.</summary>
    Optimizer,
}

/// <summary>One launch of a program for a batch and a length, as the compiler knows it.</summary>
/// <param name="Phase">The part of the program.</param>
/// <param name="Name">The kernel of generated code, or the name that the source gives to the result.</param>
/// <param name="Operation">"Rows" for a fused kernel, else the operation that the runtime computes, such as "Contract".</param>
/// <param name="Source">The file and the lines of it that the launch computes; empty for what the compiler adds.</param>
/// <param name="Loop">The variable of the innermost repetition around it; empty outside.</param>
/// <param name="Calls">How often a run of the program launches it.</param>
/// <param name="Flops">Floating-point operations of one launch; a multiply-add is two, any elementwise function is one.</param>
/// <param name="Bytes">Bytes of one launch: what it reads and what it writes, each once.</param>
/// <param name="UnfusedBytes">
/// Bytes that its operations would move if each read its inputs from memory and wrote its result there; an operation that several kernels compute counts
/// for the first of them. Views are free. Attention and cross-entropy count as products and a softmax, with their scores stored.
/// </param>
/// <param name="Format">The format in which it multiplies.</param>
public sealed record LaunchInfo(
    LaunchPhase Phase, string Name, string Operation, string Source, string Loop, int Calls, double Flops, double Bytes, double UnfusedBytes,
    ElementFormat Format = ElementFormat.Single);

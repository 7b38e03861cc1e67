namespace Mdl.Runtime.Models;

/// <summary>Some consecutive tokens of one sequence in a run of an inference program.</summary>
/// <param name="Slot">The place of the sequence in the cache.</param>
/// <param name="Past">Tokens of the sequence before these; their keys and values come from the cache.</param>
/// <param name="Count">Tokens, at positions Past .. Past + Count - 1.</param>
public readonly record struct SequenceRun(int Slot, int Past, int Count);

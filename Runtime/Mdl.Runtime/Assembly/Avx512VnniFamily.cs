using Iced.Intel;

namespace Mdl.Runtime.Assembly;

/// <summary>
/// AVX-512 with products of groups of four bytes, added in 32-bit integers (AVX512_VNNI). The instruction takes unsigned bytes on one side: here
/// the right operand, whose panels hold its elements plus 128.
/// </summary>
internal sealed class Avx512VnniFamily : Avx512Family
{
    /// <inheritdoc/>
    public override void MultiplyAdd(MachineCode code, int target, int left, int right) =>
        code.Add(Instruction.Create(Code.EVEX_Vpdpbusd_zmm_k1z_zmm_zmmm512b32, Vector(target), Vector(right), Vector(left)));

    /// <inheritdoc/>
    public override void MultiplyAddBroadcast(MachineCode code, int target, int right, MemoryOperand address)
    {
        var instruction = Instruction.Create(Code.EVEX_Vpdpbusd_zmm_k1z_zmm_zmmm512b32, Vector(target), Vector(right), address);
        instruction.IsBroadcast = true;
        code.Add(instruction);
    }

    /// <inheritdoc/>
    public override void AddFrom(MachineCode code, int target, MemoryOperand address, bool masked, int scratch) =>
        code.Add(Masked(Instruction.Create(Code.EVEX_Vpaddd_zmm_k1z_zmm_zmmm512b32, Vector(target), Vector(target), address), masked, zero: true));
}

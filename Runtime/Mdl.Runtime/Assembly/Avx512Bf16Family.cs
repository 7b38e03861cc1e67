using Iced.Intel;

namespace Mdl.Runtime.Assembly;

/// <summary>AVX-512 with products of pairs of bfloat16, added in single precision (AVX512_BF16).</summary>
internal sealed class Avx512Bf16Family : Avx512Family
{
    /// <inheritdoc/>
    public override void MultiplyAdd(MachineCode code, int target, int left, int right) =>
        code.Add(Instruction.Create(Code.EVEX_Vdpbf16ps_zmm_k1z_zmm_zmmm512b32, Vector(target), Vector(left), Vector(right)));

    /// <inheritdoc/>
    public override void MultiplyAddBroadcast(MachineCode code, int target, int right, MemoryOperand address)
    {
        var instruction = Instruction.Create(Code.EVEX_Vdpbf16ps_zmm_k1z_zmm_zmmm512b32, Vector(target), Vector(right), address);
        instruction.IsBroadcast = true;
        code.Add(instruction);
    }
}
